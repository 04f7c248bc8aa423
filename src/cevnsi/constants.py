"""Cited numbers. MeV inside; a unit suffix wherever it is not MeV."""

G_FERMI = 1.1663788e-11  # MeV^-2, PDG 2023 Review, Sec. 1
HBARC_MEV_FM = 197.3269804  # MeV fm, CODATA 2018 (exact in the 2019 SI)
AVOGADRO = 6.02214076e23  # mol^-1, exact in the 2019 SI
ATOMIC_MASS_UNIT_MEV = 931.49410242  # MeV, CODATA 2018
ELECTRON_MASS_MEV = 0.51099895  # MeV, CODATA 2018
MUON_MASS_MEV = 105.6583755  # MeV, CODATA 2018
PION_MASS_MEV = 139.57039  # MeV, charged pion, PDG 2023

CESIUM_133_MASS_U = 132.905451958  # u, AME2020
IODINE_127_MASS_U = 126.904472592  # u, AME2020
CSI_MOLAR_MASS_G = 132.90545196 + 126.90447  # g/mol, IUPAC 2018 standard atomic weights of Cs and I

SIN2_THETA_W = 0.23857  # at low momentum transfer, PDG 2018 Review, Sec. 10 (ASSUME: the paper states no value)

# COHERENT, arXiv:1708.01294, as quoted in Sec. 2 of the paper
DETECTOR_MASS_KG = 14.6
PROTONS_ON_TARGET = 1.76e23
NEUTRINOS_PER_PROTON = 0.08  # per flavor
BASELINE_M = 19.3
LIGHT_YIELD_PE_PER_KEV = 1.17  # photoelectrons per keV of nuclear recoil, Eq. 5
NORMALIZATION_UNCERTAINTY = 0.28  # sigma_alpha of Eq. 7

MUON_G2_DISCREPANCY = 29e-10  # Delta a_mu, Jegerlehner and Nyffeler, Phys. Rept. 477 (2009) 1; Fig. 2
MUON_G2_UNCERTAINTY = 9e-10  # one standard deviation, same source
