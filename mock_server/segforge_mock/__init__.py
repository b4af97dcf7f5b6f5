"""A mock of the Segmind gateway: how it behaves over time. What its models take is emitted from the specs."""
