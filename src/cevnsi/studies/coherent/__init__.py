"""What the public data of COHERENT say together: CsI of 2017 and of 2021, and argon of 2020."""
