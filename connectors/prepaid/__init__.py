"""Prepaid accounts: determinants, payments and results of commands in; a ledger and commands out (docs/prepaid.md)."""
