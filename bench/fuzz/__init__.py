"""Hostile frames against the batch decoder: most are sound ones whose plaintext was changed and sealed again.

Frame n is a function of the seed and n alone, so that one which fails can be made again alone.

case       how many, the seed, bounds: bench/cases/fuzz
kinds      what is done to frames, and how often
world      meters with their keys and links
encode     A-XDR data for the corpus
lists      plaintexts for the decoder for single frames
corpus     sound pushes and profiles, where their data lie, and odd data to put in
chance     a stream of numbers for each frame
kernels_*  plaintexts (walk), framings (framing), whole frames (frame)
make       batches of frames
guarded    arrays between guard octets, for all that the decoder makes
laws       what must hold of every batch
oracle     some frames against plain Python
child      the process that decodes; run starts it again where it ends, and narrows what ended it
reach      outcomes of the kernels' conditions that the frames reach, seen without compiled kernels
figures    the JSON object and the tables; page: the dated page
"""
