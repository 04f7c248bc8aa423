"""The study of what COHERENT's data of CsI and argon say: published numbers against ours, and what explains each."""
