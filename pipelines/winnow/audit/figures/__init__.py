"""What the report draws beside the gates: the funnel, and figures by band and stage."""
