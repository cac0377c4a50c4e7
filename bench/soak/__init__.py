"""The case `soak`: the whole topology under more than it can take, for an hour.

case       how long, how many meters, what is allowed
setting    topology file, topics and processes of a run
kernels    WRAPPER headers around the generator's frames
push       the generator on its connections, interval after interval
clock      ticks and versions, straight into the log
book       frames by position of the log, so that positions can be told in frames
counts     frames at each point of the way, when everything is drained
look       one look at everything: memory, lag, frames, brakes, disk
figures    what is reported of the looks
page       the page that is kept
run        from begin to end
"""
