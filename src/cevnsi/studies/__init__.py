"""One folder a paper or result: its published values and what is made of them."""
