package kvarn.peer;

import java.nio.ByteBuffer;

/**
 * The rules and registers of bench/naive/checks.py, on a meter's state as octets: that of the last push, in place.
 *
 * <p>State, big-endian: counter u4, last energies 4 x i8, highest i8, time-of-day zones 4 x i8, demand i8.
 */
final class Checks {
    static final int STATE_OCTETS = 4 + 8 * (4 + 1 + 4 + 1);
    static final int RECORD_OCTETS = 8 + 4 + 8 + 4 * 8 + 1;

    private static final int LAST_AT = 4;
    private static final int HIGHEST_AT = LAST_AT + 4 * 8;
    private static final int ZONES_AT = HIGHEST_AT + 8;
    private static final int DEMAND_AT = ZONES_AT + 4 * 8;

    private static final long INTERVAL_SECS = 1800;
    private static final long DAY_SECS = 86_400;
    private static final long IST_SECS = 19_800;
    private static final long LIMIT_WH = 8_640;
    private static final long SPIKE_FLOOR_WH = 500;

    /** Time-of-day zone by hour. */
    private static final int[] ZONES = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 0, 0};

    private Checks() {}

    /** Check one push, add it to the registers in `state`, and give the record for the topic of readings. */
    static byte[] take(Push push, byte[] state) throws Rejected {
        ByteBuffer meter = ByteBuffer.wrap(state);
        if (push.counter() <= Integer.toUnsignedLong(meter.getInt(0))) {
            throw new Rejected("counter");
        }
        if (push.stamp() % INTERVAL_SECS != 0) {
            throw new Rejected("grid");
        }
        byte rules = rules(push.energies(), meter);
        long wh = push.energies()[0];
        long highest = Math.max(meter.getLong(HIGHEST_AT), wh);
        meter.putInt(0, (int) push.counter());
        for (int place = 0; place < push.energies().length; place++) {
            meter.putLong(LAST_AT + 8 * place, push.energies()[place]);
        }
        meter.putLong(HIGHEST_AT, highest);
        long begin = push.stamp() - INTERVAL_SECS + IST_SECS;
        int zone = ZONES_AT + 8 * ZONES[(int) (begin % DAY_SECS / 3600)];
        meter.putLong(zone, meter.getLong(zone) + wh);
        meter.putLong(DEMAND_AT, Math.max(meter.getLong(DEMAND_AT), 2 * wh));
        return record(push, rules);
    }

    private static byte rules(long[] energies, ByteBuffer meter) {
        int rules = 0;
        long wh = energies[0];
        long highest = meter.getLong(HIGHEST_AT);
        for (long energy : energies) {
            rules |= energy < 0 ? 1 : energy > LIMIT_WH ? 2 : 0;
        }
        if (highest != 0 && wh > SPIKE_FLOOR_WH && 100 * (wh - highest) > 180 * highest) {
            rules |= 4;
        }
        if (sameAsLast(energies, meter)) {
            rules |= 8;
        }
        return (byte) rules;
    }

    /** Never for a meter's first push; counters begin at 1. */
    private static boolean sameAsLast(long[] energies, ByteBuffer meter) {
        if (meter.getInt(0) == 0) {
            return false;
        }
        for (int place = 0; place < energies.length; place++) {
            if (meter.getLong(LAST_AT + 8 * place) != energies[place]) {
                return false;
            }
        }
        return true;
    }

    private static byte[] record(Push push, byte rules) {
        ByteBuffer record = ByteBuffer.allocate(RECORD_OCTETS);
        record.put(push.title()).putInt((int) push.counter()).putLong(push.stamp());
        for (long energy : push.energies()) {
            record.putLong(energy);
        }
        return record.put(rules).array();
    }
}
