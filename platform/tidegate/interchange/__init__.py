"""Rule sets in other people's formats: DMN, GoRules JDM and spreadsheets, read and written."""
