"""What somebody should look at: days and runs of days at which rules have failed, as a queue."""
