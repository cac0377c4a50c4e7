"""One frame at a time, in plain Python: everything that meters say, for people, library calls and tests.

describe         frames -> what they say; described, explain, texts: for people and as JSON
envelopes, frames, hdlc, mbus, telegram    out of text, JSON and framings
conversation, transfers    what frames of one call teach about the next; blocks joined over frames
apdus            by the first octet to what reads the kind
association, requests, responses, notifications, pushes, wrappings    the kinds
ciphering        ciphered APDUs opened
octets, clock    what all kinds are read with
messages, content    what an APDU says, and its values by name
lists, makers, profiles    lists that name their quantities, lists of makers, profiles by meter category
names, quantities, word    numbers, codes and status bits by name
entries, profile_rows, not_placed, statements    the bridge to Kvarn's own rows
"""
