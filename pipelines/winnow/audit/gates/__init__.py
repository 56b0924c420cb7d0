"""What is judged: one module per group of gates."""
