"""Kernels that make frame n: what kind it is, from which meter, its plaintext, and, when that is sealed, the whole.

Each of these has a stream of numbers of its own (`STREAMS`), so that a frame which is "sent again" is made from the
streams of an earlier one, and all are functions of the seed and n alone. Numbers of the kinds: `bench.fuzz.kinds`.
"""

from __future__ import annotations

import numpy as np

from bench.fuzz.chance import begin, roll, word
from bench.fuzz.kernels_framing import HEAD_CHANGED, SOUND, blocks, copy, hdlc, mbus, put_length, wrapper
from bench.fuzz.kernels_walk import FIELDS, change_octets, change_plain, grow, replace
from pipeline.jit import kernel

STREAMS = 4
KIND, FROM, PLAIN, WHOLE = range(STREAMS)

SOUND_KIND, AGAIN, COUNTER_OF_EARLIER, ANOTHER_KEY = 20, 27, 28, 22
FIRST_FRAMING, LAST_FRAMING = 30, 44
SUITE_ONE, SUITE_TWO, BROADCAST, GENERAL, GENERAL_CHANGED, SERVICE = range(80, 86)
FIRST_READINGS, LAST_READINGS = 50, 54
UNSEALED, ANY, NOTHING, LONG = 60, 70, 71, 72
LAST_WALK = 14

PROTECTED, ENCRYPTED, AUTHENTICATED = 0x30, 0x20, 0x10
GENERAL_GLO, GENERAL_CIPHERING, TITLE_OCTETS, TAG_OCTETS = 0xDB, 0xDD, 8, 12
SERVICES = np.array([0xCA, 0xCC, 0xCD, 0xCE, 0xCF, 0x28, 0xC8, 0xD4], np.uint8)
"""Tags of ciphered APDUs of one service: those that a meter sends, a request, and one under a dedicated key."""
CONTROLS = np.array([0x00, 0x31, 0x32, 0x3F, 0x70, 0xB0, 0xF0, 0x50, 0x60, 0xA0, 0x40, 0x80, 0x10, 0x20], np.uint8)
TAGS = np.array([0x0F, 0xC2, 0xC4, 0xC5, 0xC7, 0xCA, 0xCC, 0xD4, 0xD8, 0xDC, 0xDD, 0xDF, 0xE0, 0x60, 0x61, 0], np.uint8)

MOST_FRAME = 70_200
"""Octets of a whole frame at most."""
LONG_OCTETS = 65_400
FURTHEST_BACK = 200
ORDINARY = 93
"""Of a hundred frames, those from meters that are known in every way."""


@kernel
def kind_of(dice, seed, frame, choices):  # type: ignore[no-untyped-def]
    """Number of the frame's kind."""
    begin(dice, seed, STREAMS * frame + KIND)
    return np.int64(choices[roll(dice, choices.shape[0])])


@kernel
def earlier(dice, kind, place):  # type: ignore[no-untyped-def]
    """How many frames before the one at `place` of its batch is the one that it repeats, in whole or in part."""
    return 1 + roll(dice, min(place, FURTHEST_BACK)) if kind in (AGAIN, COUNTER_OF_EARLIER) and place else np.int64(0)


@kernel
def sender(dice, seed, frame, place, ordinary, devices):  # type: ignore[no-untyped-def]
    """(device, counter, security control, whether it came at another point) of a frame at `place` of its batch."""
    begin(dice, seed, STREAMS * frame + FROM)
    device = roll(dice, ordinary) if roll(dice, 100) < ORDINARY else ordinary + roll(dice, devices - ordinary)
    usual, chance = 1000 + 3 * place, roll(dice, 100)
    counter = usual
    if chance > 97:
        counter = np.int64(2**32 - 1) - roll(dice, 3) if device % 8 == 7 else roll(dice, 3)
    elif chance > 95:
        counter = usual + roll(dice, 1000)
    elif chance > 92:
        counter = usual - 200 - roll(dice, 400)
    elif chance > 85:
        counter = usual - roll(dice, 250)
    chance = roll(dice, 100)
    control = ENCRYPTED if chance > 94 else AUTHENTICATED if chance > 93 else PROTECTED
    return device, counter, control, roll(dice, 100) < 3


@kernel
def _any_octets(dice, work, title):  # type: ignore[no-untyped-def]
    """Octets of any kind, sometimes behind the beginning of a ciphered APDU or of a framing; how many."""
    length, begun = 1 + roll(dice, 200), roll(dice, 5)
    for octet in range(length):
        work[octet] = word(dice) & np.uint64(255)
    if begun == 0:
        work[0], work[1] = GENERAL_GLO, 8
        for octet in range(TITLE_OCTETS):
            work[2 + octet] = (title >> np.uint64(56 - 8 * octet)) & np.uint64(255)
    elif begun == 1:
        work[0] = (0x7E, 0x68, 0x0F, 0x52)[roll(dice, 4)]
    elif begun == 2:
        work[0], work[1] = 0, 1
    return length


@kernel
def _readings(dice, kind, work, texts, title, spare):  # type: ignore[no-untyped-def]
    """A head-end's frame of a device, changed by `kind`; how many octets."""
    one = roll(dice, texts.start.shape[0])
    length = np.int64(texts.length[one])
    copy(texts.octets, texts.start[one], length, work, 0)
    for octet in range(8):
        work[8 + octet] = (title >> np.uint64(8 * octet)) & np.uint64(255)
    if kind == 51:
        change_octets(dice, work, 0, length)
    elif kind == 52:
        work[1 + roll(dice, 23)] = FIELDS[roll(dice, FIELDS.shape[0])] if roll(dice, 2) else np.uint8(roll(dice, 256))
    elif kind == 53:
        place = 24 + 2 * roll(dice, (length - 24) // 2)
        form, size = roll(dice, 4), min(np.int64(1) << roll(dice, 4), length - place)
        for octet in range(size):
            work[place + octet] = (0, 255, 127, 128)[form] if octet == size - 1 else (0, 255, 255, 0)[form]
    elif kind == 54:
        length = roll(dice, length) if roll(dice, 2) else grow(dice, work, length, spare)
    return length


@kernel
def plaintext(dice, seed, frame, kind, model, title, corpus, many, work, spare):  # type: ignore[no-untyped-def]
    """The plaintext of a frame in `work` u8 (ROOM,), or what it has in its place; how many octets."""
    begin(dice, seed, STREAMS * frame + PLAIN)
    if kind == ANY:
        return _any_octets(dice, work, title)
    if NOTHING <= kind <= LONG:
        for octet in range(4):
            work[octet] = word(dice) & np.uint64(255)
        return roll(dice, 4)
    if FIRST_READINGS <= kind <= LAST_READINGS:
        return _readings(dice, kind, work, corpus.readings, title, spare)
    chosen = corpus.chosen
    base = np.int64(corpus.many)
    if not many:
        base = chosen[model if roll(dice, 16) else roll(dice, chosen.shape[0]), roll(dice, chosen.shape[1])]
    length = np.int64(corpus.bases.length[base])
    copy(corpus.bases.octets, corpus.bases.start[base], length, work, 0)
    if kind <= LAST_WALK:
        return change_plain(dice, kind, work, length, base, corpus, spare)
    sometimes = FIRST_FRAMING <= kind <= LAST_FRAMING or kind >= SUITE_ONE
    if kind == UNSEALED or (sometimes and roll(dice, 4) == 0):
        return change_plain(dice, roll(dice, LAST_WALK + 1), work, length, base, corpus, spare)
    return length


@kernel
def is_plain(dice, seed, frame, kind):  # type: ignore[no-untyped-def]
    """Whether a frame is not sealed; of the framings a fifth is not."""
    begin(dice, seed, STREAMS * frame + WHOLE)
    return roll(dice, 5) == 0 if FIRST_FRAMING <= kind <= LAST_FRAMING else FIRST_READINGS <= kind <= LONG


@kernel
def _control_of(kind, control):  # type: ignore[no-untyped-def]
    """The security control octet of a kind, of one that a meter would have: suite and key set."""
    if kind == SUITE_ONE:
        return control | 1
    if kind == SUITE_TWO:
        return control | 2
    return control | 0x40 if kind == BROADCAST else control


@kernel
def plaintexts(  # type: ignore[no-untyped-def]
    seed, first, batch, choices, ordinary, models, titles, corpus, many, work, spare, dice, out, kinds, like, places,
    devices, rows, counters, controls, others, starts, lengths,
):  # fmt: skip
    """Frames first, first + 1, ... as far as they have plaintexts, one behind the other in `out` u8.

    Args:
        seed, batch: of the case; `first` is a multiple of nothing: each frame is made alone.
        choices: u8, see kinds.choices; ordinary: devices that are known in every way, the first ones.
        models, titles: of the devices; corpus: Corpus; many: the batch has profiles of very many rows.
        work, spare, dice: scratch.
        kinds, like: u8 (n,), what the frame is counted as, and what is done; places i64 (n,): the frame whose streams
            make it.
        devices, rows i64 (n,): its device, and whose key seals it, -1 when it is not sealed.
        counters u32, controls u8 (0: not sealed), others u8 (n,); starts, lengths i64 (n,): in `out`.
    """
    at = np.int64(0)
    for item in range(kinds.shape[0]):
        frame = first + item
        kind = kind_of(dice, seed, frame, choices)
        kinds[item], place = kind, frame % batch
        back = earlier(dice, kind, place)
        source = frame - back
        device, counter, control, other = sender(dice, seed, source, place - back, ordinary, models.shape[0])
        if kind == AGAIN and back:
            kind = kind_of(dice, seed, source, choices)
        else:
            source = frame
        if kind in (AGAIN, COUNTER_OF_EARLIER):
            kind = np.int64(SOUND_KIND)
        length = plaintext(dice, seed, source, kind, models[device], titles[device], corpus, many, work, spare)
        plain = is_plain(dice, seed, source, kind)
        like[item], places[item], devices[item], counters[item], others[item] = kind, source, device, counter, other
        controls[item] = 0 if plain else _control_of(kind, control)
        rows[item] = -1 if plain else (device + 1) % models.shape[0] if kind == ANOTHER_KEY else device
        starts[item], lengths[item] = at, length
        at = copy(work, 0, length, out, at)


@kernel
def _put_octets(dice, size, work, at):  # type: ignore[no-untyped-def]
    """An octet string of `size` octets of any kind; the place behind."""
    work[at] = size
    for octet in range(size):
        work[at + 1 + octet] = word(dice) & np.uint64(255)
    return at + 1 + size


@kernel
def _put_title(title, work, at):  # type: ignore[no-untyped-def]
    """A system title as an octet string; the place behind."""
    work[at] = TITLE_OCTETS
    for octet in range(TITLE_OCTETS):
        work[at + 1 + octet] = (title >> np.uint64(56 - 8 * octet)) & np.uint64(255)
    return at + 1 + TITLE_OCTETS


@kernel
def _put_head(dice, kind, title, work):  # type: ignore[no-untyped-def]
    """What stands before the length of the ciphered octets; the place behind.

    general-ciphering: five octet strings, of which the second is the sender's title or empty, then which key it is.
    """
    if kind == SERVICE:
        work[0] = SERVICES[roll(dice, SERVICES.shape[0])]
        return np.int64(1)
    if kind != GENERAL and kind != GENERAL_CHANGED:
        work[0] = GENERAL_GLO
        return _put_title(title, work, np.int64(1))
    work[0] = GENERAL_CIPHERING
    at = _put_octets(dice, roll(dice, 9), work, np.int64(1))
    at = _put_title(title, work, at) if roll(dice, 4) else _put_octets(dice, np.int64(0), work, at)
    for most in (8, 12, 3):
        at = _put_octets(dice, most * roll(dice, 2), work, at)
    known = roll(dice, 2)
    work[at], work[at + 1], work[at + 2] = known, 0, roll(dice, 2)
    end = at + 1 + 2 * known
    if kind == GENERAL_CHANGED:
        change_octets(dice, work, np.int64(0), end)
    return end


@kernel
def _ciphered(dice, kind, title, counter, control, sealed, start, length, lengths, work, spare):  # type: ignore[no-untyped-def]
    """A ciphered APDU of `length` octets that are sealed, changed by `kind`, in `work`; how many octets."""
    tagged = length + (TAG_OCTETS if control & AUTHENTICATED else 0)
    at = put_length(work, _put_head(dice, kind, title, work), 5 + tagged)
    head = at
    work[at] = control
    for octet in range(4):
        work[at + 1 + octet] = (counter >> (24 - 8 * octet)) & 255
    total = copy(sealed, start, tagged, work, at + 5)
    if kind == 21:
        change_octets(dice, work, head + 5, total)
    elif kind == 23:
        change_octets(dice, work, 1, 10)
    elif kind == 24 and roll(dice, 4) == 0:
        # So short that there is no room for head or tag, and the length says so.
        work[10] = roll(dice, 24)
        total = min(total, 11 + np.int64(work[10]))
    elif kind == 24:
        one = roll(dice, lengths.start.shape[0])
        total = replace(work, total, 10, head - 10, lengths.octets, lengths.start[one], lengths.length[one])
    elif kind == 25:
        work[head] = CONTROLS[roll(dice, CONTROLS.shape[0])] if roll(dice, 4) else np.uint8(roll(dice, 256))
    elif kind == 26:
        change_octets(dice, work, head + 1, head + 5)
    elif kind == 29:
        work[0] = TAGS[roll(dice, TAGS.shape[0])] if roll(dice, 2) else np.uint8(roll(dice, 256))
    return total


@kernel
def _usual(dice, source, length, out, at):  # type: ignore[no-untyped-def]
    """As it is, or in a WRAPPER."""
    return copy(source, 0, length, out, at) if roll(dice, 10) < 7 else wrapper(source, length, out, at)


@kernel
def _odd_framing(dice, kind, source, length, spare, out, at):  # type: ignore[no-untyped-def]
    """Kinds 33 to 42: HDLC, M-Bus, blocks; the place behind."""
    size = 20 + roll(dice, 120) if kind == 34 or roll(dice, 2) else np.int64(1900)
    form = HEAD_CHANGED if kind in (36, 40, 42) else SOUND
    if kind <= 37:
        end = hdlc(dice, form, size, roll(dice, 2) if kind == 37 else np.int64(-1), source, length, spare, out, at)
    elif kind <= 40:
        end = mbus(dice, form, min(size, 240), source, length, out, at)
    else:
        end = blocks(dice, form, size, source, length, out, at)
    if kind in (35, 39):
        change_octets(dice, out, at, end)
    return end


@kernel
def _long(dice, out, at):  # type: ignore[no-untyped-def]
    """More octets than a frame may have, or nearly; the place behind."""
    length = LONG_OCTETS + roll(dice, MOST_FRAME - LONG_OCTETS)
    out[at], out[at + 1] = (0x52, GENERAL_GLO, 0)[roll(dice, 3)], 1
    for octet in range(2, length):
        out[at + octet] = octet & 255
    return at + length


@kernel
def _framed(dice, kind, source, length, spare, out, at):  # type: ignore[no-untyped-def]
    """source[:length] in its framing, changed by `kind`; the place behind."""
    if 33 <= kind <= 42:
        return _odd_framing(dice, kind, source, length, spare, out, at)
    if kind == 32:
        end = wrapper(source, length, out, at)
        change_octets(dice, out, at, min(end, at + 8))
        return end
    if FIRST_READINGS <= kind <= LAST_READINGS and roll(dice, 10):
        return copy(source, 0, length, out, at)
    if kind == 44:
        out[at], out[at + 1], out[at + 2] = 0xE6, 0xE7 if roll(dice, 8) else 0xE6, 0 if roll(dice, 16) else 1
        return copy(source, 0, length, out, at + 3)
    end = _usual(dice, source, length, out, at)
    if kind == 30:
        return at + roll(dice, end - at + 1)
    if kind == 31:
        for _ in range(1 + roll(dice, 16)):
            out[end] = word(dice) & np.uint64(255)
            end += 1
    elif kind == 43:
        end = _usual(dice, source, length, out, end)
    return end


@kernel
def whole_frames(  # type: ignore[no-untyped-def]
    seed, like, places, devices, counters, controls, starts, lengths, titles, corpus, plain, sealed, sealed_starts,
    work, spare, dice, out, sizes,
):  # fmt: skip
    """The frames, one behind the other in `out` u8; sizes u32 (n,), octets of each; how many octets in all.

    plain and, under `controls`, sealed: plaintexts at `starts`, what they were sealed to at `sealed_starts`.
    """
    at = np.int64(0)
    for item in range(like.shape[0]):
        kind, control = np.int64(like[item]), np.int64(controls[item])
        is_plain(dice, seed, places[item], kind)  # the stream goes on from there
        if kind == LONG:
            end = _long(dice, out, at)
        else:
            if control:
                length = _ciphered(dice, kind, titles[devices[item]], np.int64(counters[item]), control, sealed,
                                   sealed_starts[item], lengths[item], corpus.lengths, work, spare)  # fmt: skip
            else:
                length = copy(plain, starts[item], lengths[item], work, 0)
            bare = kind == NOTHING
            end = copy(work, 0, length, out, at) if bare else _framed(dice, kind, work, length, spare, out, at)
        sizes[item] = end - at
        at = end
    return at
