"""The sink that sends readings, intervals and events to SAP, as messages of meter data unification (MDUS)."""
