"""Cited numbers of nature. MeV inside; a unit suffix wherever it is not MeV."""

G_FERMI = 1.1663788e-11  # MeV^-2, PDG 2023 Review, Sec. 1
HBARC_MEV_FM = 197.3269804  # MeV fm, CODATA 2018 (exact in the 2019 SI)
AVOGADRO = 6.02214076e23  # mol^-1, exact in the 2019 SI
ATOMIC_MASS_UNIT_MEV = 931.49410242  # MeV, CODATA 2018
ELECTRON_MASS_MEV = 0.51099895  # MeV, CODATA 2018
MUON_MASS_MEV = 105.6583755  # MeV, CODATA 2018
TAU_MASS_MEV = 1776.86  # MeV, PDG 2023
PION_MASS_MEV = 139.57039  # MeV, charged pion, PDG 2023
MUON_LIFETIME_US = 2.1969811  # us, PDG 2023
PION_LIFETIME_US = 0.026033  # us, charged pion, PDG 2023

CESIUM_133_MASS_U = 132.905451958  # u, AME2020
IODINE_127_MASS_U = 126.904472592  # u, AME2020
ARGON_40_MASS_U = 39.96238312204  # u, AME2020

FINE_STRUCTURE = 7.2973525693e-3  # at zero momentum transfer, CODATA 2018
SIN2_THETA_W = 0.23857  # at low momentum transfer, PDG 2018 Review, Sec. 10 (ASSUME: the paper states no value)

MUON_G2_DISCREPANCY = 29e-10  # Delta a_mu, Jegerlehner and Nyffeler, Phys. Rept. 477 (2009) 1; Fig. 2
MUON_G2_UNCERTAINTY = 9e-10  # one standard deviation, same source
