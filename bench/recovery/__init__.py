"""Recovery under load: `kvarn bench recovery`.

case      what is measured, and the goals
paced     the feeder: live frames at a steady rate
tail      what comes out, as it comes: the newest frame record that outputs were made of
restart   one kill and what followed: moments in the part's log, outputs, lag
run       fill, drain, feed, kill and kill again, compare with the truth
figures   what is reported
page      the page to keep
"""
