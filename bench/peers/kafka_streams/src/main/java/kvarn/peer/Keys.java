package kvarn.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.spec.SecretKeySpec;

/** Keys by system title, read once from a file of records: title 8 octets, encryption key 16, authentication key 16. */
final class Keys {
    /** Keys of one meter, in each form that a cipher asks for. */
    record Pair(byte[] encryption, byte[] authentication, SecretKeySpec spec) {}

    private static final int TITLE = 8;
    private static final int KEY = 16;

    private final Map<Long, Pair> pairs;

    private Keys(Map<Long, Pair> pairs) {
        this.pairs = pairs;
    }

    static Keys read(Path file) throws IOException {
        ByteBuffer octets = ByteBuffer.wrap(Files.readAllBytes(file));
        Map<Long, Pair> pairs = new HashMap<>(2 * octets.capacity() / (TITLE + 2 * KEY));
        while (octets.hasRemaining()) {
            long title = octets.getLong();
            byte[] encryption = new byte[KEY];
            byte[] authentication = new byte[KEY];
            octets.get(encryption).get(authentication);
            pairs.put(title, new Pair(encryption, authentication, new SecretKeySpec(encryption, "AES")));
        }
        return new Keys(pairs);
    }

    Pair of(long title) throws Rejected {
        Pair pair = pairs.get(title);
        if (pair == null) {
            throw new Rejected("KeyError");
        }
        return pair;
    }
}
