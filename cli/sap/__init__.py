"""`kvarn sap`: what the SAP sink's journal says, and sending refused messages again."""
