"""How charts are drawn: pieces of SVG, scales, and what is made of them."""
