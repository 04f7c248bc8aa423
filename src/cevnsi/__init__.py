"""CEvNS rates, likelihoods, scans and limits for nonstandard neutrino interactions.

Formulas are those of J. Liao and D. Marfatia, Phys. Lett. B 775 (2017) 54, arXiv:1708.04255; "Eq. n" in a docstring
means an equation of that paper. Energies are in MeV unless a name says otherwise.
"""

__version__ = "0.1.0"
