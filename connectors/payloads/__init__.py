"""What stands around frames in messages: hex or base64 text, the JSON of gateways, and names of meters beside them."""
