"""What the product can do, and its edges: use cases, records, queue, storage, engines, settings."""
