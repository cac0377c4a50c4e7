package kvarn.peer;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** One frame after the other: decoded, checked against the meter's state in the store, sent on. */
final class FrameProcessor implements Processor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "meters";
    static final String READINGS = "readings";
    static final String REJECTS = "rejects";

    private static final byte[] NO_KEY = new byte[0];

    private final Decoder decoder;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> meters;

    FrameProcessor(Keys keys, String cipher) {
        try {
            this.decoder = new Decoder(keys, cipher);
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        this.meters = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> frame) {
        try {
            Push push = decoder.decode(frame.value());
            byte[] known = meters.get(push.title());
            // The store keeps the array that it is given: what it hands out must not be changed.
            byte[] state = known == null ? new byte[Checks.STATE_OCTETS] : known.clone();
            byte[] reading = Checks.take(push, state);
            meters.put(push.title(), state);
            context.forward(new Record<>(push.title(), reading, frame.timestamp()), READINGS);
        } catch (Rejected error) {
            reject(frame, error.getMessage());
        } catch (Exception error) {
            // gurux's library and javax.crypto raise many things.
            reject(frame, error.getClass().getSimpleName());
        }
    }

    private void reject(Record<byte[], byte[]> frame, String why) {
        byte[] value = why.getBytes(StandardCharsets.UTF_8);
        context.forward(new Record<>(NO_KEY, value, frame.timestamp()), REJECTS);
    }
}
