"""The contract kit: one black-box suite for any connector, against its protocol server."""
