"""What the platform tells about itself while it runs: figures and traces."""
