"""The cold lane's judgement: the days of a service point once more, with rows that came too late for the hot window."""
