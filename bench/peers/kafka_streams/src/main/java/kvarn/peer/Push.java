package kvarn.peer;

/** What one frame says; stamp in epoch seconds UTC, energies Wh, VAh import, Wh, VAh export. */
record Push(byte[] title, long counter, long stamp, long[] energies) {}
