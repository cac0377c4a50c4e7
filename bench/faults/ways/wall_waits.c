/* Waits of C11 threads by the stepped clock, laid over libfaketime, which leaves them with the true one.
 *
 * librdkafka reads the clock (stepped), adds how long it wants to wait, and calls cnd_timedwait. With the true clock
 * behind that call a clock that is an hour ahead would make every wait an hour longer, which no system does. The wait is
 * done in slices, so that a step in the midst of it counts, as it does where the system's own clock is set.
 */
#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

static const long SLICE_NS = 50 * 1000 * 1000;

static int before(const struct timespec *one, const struct timespec *other) {
    return one->tv_sec != other->tv_sec ? one->tv_sec < other->tv_sec : one->tv_nsec < other->tv_nsec;
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    for (;;) {
        struct timespec slice;
        clock_gettime(CLOCK_REALTIME, &slice);
        if (!before(&slice, until)) return thrd_timedout;
        slice.tv_nsec += SLICE_NS;
        if (slice.tv_nsec >= 1000000000L) {
            slice.tv_nsec -= 1000000000L;
            slice.tv_sec += 1;
        }
        /* glibc's C11 types are its POSIX types; libfaketime knows this call and makes true time of its argument. */
        int code = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex,
                                          before(&slice, until) ? &slice : until);
        if (code == 0) return thrd_success;
        if (code != ETIMEDOUT) return thrd_error;
    }
}
