package kvarn.peer;

import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The Kafka Streams process: `java kvarn.peer.Worker FILE`.
 *
 * <p>The file holds the settings of Kafka Streams as they are, and beside them `peer.source`, `peer.readings`,
 * `peer.rejects` (topics), `peer.keys` (file), `peer.cipher` (gurux, javax), `peer.store` (memory, rocksdb) and
 * `peer.caching` (true, false).
 */
public final class Worker {
    private Worker() {}

    /** Run until a signal; end with 1 when a thread of it ends by itself. */
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            settings.load(reader);
        }
        CountDownLatch ended = new CountDownLatch(1);
        boolean[] failed = {false};
        KafkaStreams streams = new KafkaStreams(topology(settings), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed[0] = true;
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        ended.await();
        System.exit(failed[0] ? 1 : 0);
    }

    private static Topology topology(Properties settings) throws Exception {
        Keys keys = Keys.read(Path.of(settings.getProperty("peer.keys")));
        String cipher = settings.getProperty("peer.cipher");
        Topology topology = new Topology();
        ByteArrayDeserializer reading = new ByteArrayDeserializer();
        topology.addSource("frames", reading, reading, settings.getProperty("peer.source"));
        topology.addProcessor("checks", () -> new FrameProcessor(keys, cipher), "frames");
        topology.addStateStore(store(settings), "checks");
        sink(topology, FrameProcessor.READINGS, settings.getProperty("peer.readings"));
        sink(topology, FrameProcessor.REJECTS, settings.getProperty("peer.rejects"));
        return topology;
    }

    private static void sink(Topology topology, String name, String topic) {
        ByteArraySerializer writing = new ByteArraySerializer();
        topology.addSink(name, topic, writing, writing, "checks");
    }

    /** With a changelog, as all stores have by default. */
    private static StoreBuilder<KeyValueStore<byte[], byte[]>> store(Properties settings) {
        boolean memory = settings.getProperty("peer.store").equals("memory");
        KeyValueBytesStoreSupplier supplier = memory
                ? Stores.inMemoryKeyValueStore(FrameProcessor.STORE)
                : Stores.persistentKeyValueStore(FrameProcessor.STORE);
        Serde<byte[]> octets = Serdes.ByteArray();
        StoreBuilder<KeyValueStore<byte[], byte[]>> builder = Stores.keyValueStoreBuilder(supplier, octets, octets);
        return Boolean.parseBoolean(settings.getProperty("peer.caching"))
                ? builder.withCachingEnabled()
                : builder.withCachingDisabled();
    }
}
