"""Messages of meter data unification (SAP MDUS) as XML: names, reading without risk, checks, and putting together.

Lists of messages and their fields: Enterprise Services of the industry solution for utilities. The XSD files in
schemas/xsd/mdus are written from them; a customer may give the WSDL of his own system instead.
"""
