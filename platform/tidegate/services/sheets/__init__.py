"""Spreadsheets of shops without an interface: brought by a person, tried, imported; waybill numbers taken back."""
