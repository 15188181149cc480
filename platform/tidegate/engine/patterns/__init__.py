"""Patterns: sequences of events in one episode, such as the scans of one parcel."""
