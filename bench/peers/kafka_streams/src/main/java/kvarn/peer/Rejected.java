package kvarn.peer;

/** A frame that is not used; without a stack trace, which nobody reads and which costs more than the checks. */
final class Rejected extends Exception {
    private static final long serialVersionUID = 1L;

    Rejected(String why) {
        super(why, null, false, false);
    }
}
