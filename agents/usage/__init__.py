"""Calendar months of a service point: its use, demand and estimates against those of earlier months."""
