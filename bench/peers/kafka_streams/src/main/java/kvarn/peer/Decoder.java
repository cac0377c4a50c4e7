package kvarn.peer;

import gurux.dlms.GXByteBuffer;
import gurux.dlms.GXReplyData;
import gurux.dlms.enums.Authentication;
import gurux.dlms.enums.InterfaceType;
import gurux.dlms.enums.Security;
import gurux.dlms.secure.GXDLMSSecureClient;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;

/**
 * One general-glo-ciphered block push to values, with gurux's library: bench/naive/decode.py in Java.
 *
 * <p>One client for all meters of a task; it is not for several threads. Its own ciphering is on javax.crypto and makes a
 * cipher a frame; where the settings say `javax`, one cipher is kept and initialised anew, and gurux reads the
 * Data-Notification inside.
 */
final class Decoder {
    private static final int TAG_OCTETS = 12;
    private static final int TITLE_AT = 2;
    private static final int TITLE_OCTETS = 8;
    private static final int CONTROL_AT = 11;
    private static final int COUNTER_AT = 12;
    private static final int HEAD = 16;
    private static final int CLOCK_AT = 2;
    private static final int ENERGIES_AT = 4;
    private static final int ENERGIES = 4;
    private static final long IST_SECS = 19_800;

    private final Keys keys;
    private final Cipher cipher;
    private final GXDLMSSecureClient client =
            new GXDLMSSecureClient(true, 16, 1, Authentication.NONE, null, InterfaceType.PDU);
    private final byte[] iv = new byte[HEAD - CONTROL_AT - 1 + TITLE_OCTETS];

    Decoder(Keys keys, String cipher) throws GeneralSecurityException {
        this.keys = keys;
        this.cipher = cipher.equals("gurux") ? null : Cipher.getInstance("AES/GCM/NoPadding");
        client.getCiphering().setSecurity(Security.AUTHENTICATION_ENCRYPTION);
    }

    /** Raises Rejected and whatever gurux's library raises when the frame is not good. */
    Push decode(byte[] frame) throws Exception {
        ByteBuffer head = ByteBuffer.wrap(frame);
        long title = head.getLong(TITLE_AT);
        long counter = Integer.toUnsignedLong(head.getInt(COUNTER_AT));
        Keys.Pair pair = keys.of(title);
        byte[] sender = Arrays.copyOfRange(frame, TITLE_AT, TITLE_AT + TITLE_OCTETS);
        List<?> values = (List<?>) parsed(frame, sender, pair);
        long[] energies = new long[ENERGIES];
        for (int place = 0; place < ENERGIES; place++) {
            energies[place] = Math.round(1000 * ((Number) values.get(ENERGIES_AT + place)).doubleValue());
        }
        return new Push(sender, counter, epoch((byte[]) values.get(CLOCK_AT)), energies);
    }

    private Object parsed(byte[] frame, byte[] sender, Keys.Pair pair) throws Exception {
        GXReplyData reply = new GXReplyData();
        if (cipher == null) {
            client.getCiphering().setSystemTitle(sender);
            client.getCiphering().setBlockCipherKey(pair.encryption());
            client.getCiphering().setAuthenticationKey(pair.authentication());
            client.getData(new GXByteBuffer(frame), reply, null);
        } else {
            client.getData(new GXByteBuffer(opened(frame, pair)), reply, null);
        }
        return reply.getValue();
    }

    private byte[] opened(byte[] frame, Keys.Pair pair) throws GeneralSecurityException {
        System.arraycopy(frame, TITLE_AT, iv, 0, TITLE_OCTETS);
        System.arraycopy(frame, COUNTER_AT, iv, TITLE_OCTETS, HEAD - COUNTER_AT);
        cipher.init(Cipher.DECRYPT_MODE, pair.spec(), new GCMParameterSpec(8 * TAG_OCTETS, iv));
        cipher.updateAAD(frame, CONTROL_AT, 1);
        cipher.updateAAD(pair.authentication());
        return cipher.doFinal(frame, HEAD, frame.length - HEAD);
    }

    /** COSEM date-time, IEC 62056-6-2 section 4.1.6.1, in Indian time. */
    private static long epoch(byte[] clock) {
        int year = (clock[0] & 0xFF) << 8 | clock[1] & 0xFF;
        return LocalDateTime.of(year, clock[2], clock[3], clock[5], clock[6], clock[7]).toEpochSecond(ZoneOffset.UTC)
                - IST_SECS;
    }
}
