"""The study of J. Liao and D. Marfatia, Phys. Lett. B 775 (2017) 54, arXiv:1708.04255."""
