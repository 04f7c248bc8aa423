"""Nothing here is needed: each function equals one of `cevnsi.model`, and a test says so."""
