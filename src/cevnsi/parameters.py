"""Parameters: what is said of each, once. Its name in files and columns, how it is written, and its usual range.

Nothing takes a name apart: what a name means is in its record. Contact couplings, matter parameters and those of the
standard model are here, as they are the same for all that is in physics; an interaction adds its own
(`cevnsi.physics.interactions`).
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cevnsi.arrays import FloatArray, Real

LETTERS = {"e": ("e", "e"), "mu": (r"\mu", "μ"), "tau": (r"\tau", "τ")}  # TeX, and as it is
FLAVORS_OF_PAIR = {
    "ee": ("e", "e"),
    "mumu": ("mu", "mu"),
    "tautau": ("tau", "tau"),
    "emu": ("e", "mu"),
    "etau": ("e", "tau"),
    "mutau": ("mu", "tau"),
}
PAIRS = tuple(FLAVORS_OF_PAIR)
OFF_DIAGONAL = tuple(pair for pair, (first, second) in FLAVORS_OF_PAIR.items() if first != second)
QUARKS = ("u", "d")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of an interaction."""

    name: str  # in a configuration, and of a column
    tex: str  # between dollar signs, without the unit
    html: str
    spoken: str  # without markup, for alternative text
    unit: str = ""
    unit_tex: str = ""  # on an axis of a figure, if not as it is
    usual: tuple[float, float] = (-1.0, 1.0)  # where it is looked for if nothing else is said
    scale: str = "linear"  # of an axis over that range
    positive: bool = False  # no value, or end of a range, may be zero or less
    zero_is_standard_model: bool = False  # with everything else of the interaction at zero, too

    @property
    def label(self) -> str:
        """What stands on an axis of a figure."""
        return f"${self.tex}$ [{self.unit_tex or self.unit}]" if self.unit else f"${self.tex}$"


@dataclass(frozen=True, kw_only=True)
class ContactCoupling(Parameter):
    """Real or imaginary part of a contact coupling to one quark, eps_<pair>_<quark>V (Eq. 9)."""

    pair: str
    quark: str
    imaginary: bool
    zero_is_standard_model: bool = True


@dataclass(frozen=True, kw_only=True)
class MatterParameter(Parameter):
    """Effective parameter for propagation in the Earth, 3 (eps^uV + eps^dV) (Eq. 11)."""

    pair: str
    quarks: tuple[str, str]  # names of the couplings to u and d
    zero_is_standard_model: bool = True


@dataclass(frozen=True, kw_only=True)
class Combination(Parameter):
    """A linear combination of contact couplings, or of neutron radii, which moves all of them together."""

    of: Mapping[str, float]  # parameters, and what one unit of the combination adds to each

    @property
    def is_of_couplings(self) -> bool:
        """Whether it is of contact couplings, which are minimised over exactly; else it is of radii."""
        return all(part in CONTACT_PARAMETERS for part in self.of)


@dataclass(frozen=True, kw_only=True)
class NeutronRadius(Parameter):
    """Rms radius of the neutrons in one nuclide."""

    nuclide: str  # its name
    unit: str = "fm"
    usual: tuple[float, float] = (3.0, 8.0)
    positive: bool = True


def _letters(pair: str) -> tuple[str, str]:
    """Flavors of a pair in TeX, and as they are."""
    tex, plain = zip(*(LETTERS[flavor] for flavor in FLAVORS_OF_PAIR[pair]), strict=True)
    return "".join(tex), "".join(plain)


def _contact(pair: str, quark: str, *, imaginary: bool) -> ContactCoupling:
    tex, plain = _letters(pair)
    part = r"\mathrm{Im}\,", "Im ", "imaginary part of "
    before = part if imaginary else ("", "", "")
    return ContactCoupling(
        name=f"eps_{pair}_{quark}V{'_imag' if imaginary else ''}",
        tex=rf"{before[0]}\epsilon_{{{tex}}}^{{{quark}V}}",
        html=f"{before[1]}ε<sub>{plain}</sub><sup>{quark}V</sup>",
        spoken=f"{before[2]}epsilon {plain} {quark}V",
        pair=pair,
        quark=quark,
        imaginary=imaginary,
    )


def _matter(pair: str) -> MatterParameter:
    tex, plain = _letters(pair)
    return MatterParameter(
        name=f"eps_{pair}_matter",
        tex=rf"\epsilon_{{{tex}}}",
        html=f"ε<sub>{plain}</sub>",
        spoken=f"epsilon {plain}",
        usual=(-6.0, 6.0),  # what Eq. 11 reaches from both couplings' usual ranges
        pair=pair,
        quarks=(f"eps_{pair}_uV", f"eps_{pair}_dV"),
    )


# In the order of a scan's axes: eps_dV is the paper's abscissa.
CONTACT_PARAMETERS: dict[str, ContactCoupling] = {
    made.name: made
    for pair in PAIRS
    for quark in ("d", "u")
    for made in [_contact(pair, quark, imaginary=False), _contact(pair, quark, imaginary=True)]
    if pair in OFF_DIAGONAL or not made.imaginary  # a diagonal one is real: the Lagrangian is Hermitian
}
MATTER_PARAMETERS: dict[str, MatterParameter] = {made.name: made for made in map(_matter, PAIRS)}


def _neutron_radius(nuclide: str, tex: str, html: str, spoken: str) -> NeutronRadius:
    return NeutronRadius(
        name=f"neutron_radius_{nuclide}_fm",
        tex=f"R_n({tex})",
        html=f"R<sub>n</sub>({html})",
        spoken=f"neutron radius of {spoken}",
        nuclide=nuclide,
    )


NEUTRON_RADII: dict[str, NeutronRadius] = {
    made.name: made
    for made in (
        _neutron_radius("mean", r"\mathrm{CsI}", "CsI", "the mean nucleus of CsI"),
        _neutron_radius("Cs133", r"^{133}\mathrm{Cs}", "<sup>133</sup>Cs", "cesium 133"),
        _neutron_radius("I127", r"^{127}\mathrm{I}", "<sup>127</sup>I", "iodine 127"),
        _neutron_radius("Ar40", r"^{40}\mathrm{Ar}", "<sup>40</sup>Ar", "argon 40"),
    )
}
CEVNS_NORMALIZATION = "cevns_normalization"  # multiplies all counts of the signal; 1 where it is not named
# What any interaction takes besides its own; one that is left out is the analysis' own.
STANDARD_MODEL_PARAMETERS: dict[str, Parameter] = {
    made.name: made
    for made in (
        Parameter(
            name="sin2_theta_w",
            tex=r"\sin^2\theta_W",
            html="sin<sup>2</sup>θ<sub>W</sub>",
            spoken="sine squared theta W",
            usual=(0.05, 0.45),
            positive=True,
        ),
        Parameter(
            name="g_p", tex="g_p^V", html="g<sub>p</sub><sup>V</sup>", spoken="proton coupling g p", usual=(-0.5, 0.5)
        ),
        Parameter(
            name="g_n", tex="g_n^V", html="g<sub>n</sub><sup>V</sup>", spoken="neutron coupling g n", usual=(-1.0, 1.0)
        ),
        *NEUTRON_RADII.values(),
        Parameter(
            name=CEVNS_NORMALIZATION,
            tex=r"n_{\mathrm{CE\nu NS}}",
            html="n<sub>CEνNS</sub>",
            spoken="CEvNS normalization",
            usual=(0.0, 3.0),
        ),
    )
}


_NAMES = {(made.pair, made.quark, made.imaginary): name for name, made in CONTACT_PARAMETERS.items()}


def coupling_name(pair: str, quark: str, imaginary: bool = False) -> str:
    """Name of a contact coupling.

    >>> coupling_name("etau", "d"), coupling_name("emu", "u", imaginary=True)
    ('eps_etau_dV', 'eps_emu_uV_imag')
    """
    return _NAMES[pair, quark, imaginary]


def quarks_of(matter_parameter_name: str) -> tuple[str, str]:
    """The contact couplings whose sum a matter parameter is.

    >>> quarks_of("eps_ee_matter")
    ('eps_ee_uV', 'eps_ee_dV')
    """
    return MATTER_PARAMETERS[matter_parameter_name].quarks


def combination(name: str, of: Mapping[str, float]) -> Combination:
    """The combination of this name; ValueError if it has none, is another parameter's, or moves what cannot be moved.

    >>> combination("eps_ee_both", {"eps_ee_uV": 1.0, "eps_ee_dV": 1.0}).usual
    (-1.0, 1.0)
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise ValueError(f"combination {name!r}: expected a name of letters, digits and underscores")
    if name in {*CONTACT_PARAMETERS, *MATTER_PARAMETERS, *STANDARD_MODEL_PARAMETERS}:
        raise ValueError(f"combination {name}: is the name of a parameter; expected one of its own")
    if not of:
        raise ValueError(f"combination {name}: is of nothing; expected contact parameters, or neutron radii")
    known = NEUTRON_RADII if next(iter(of)) in NEUTRON_RADII else CONTACT_PARAMETERS
    for part, unit in of.items():
        if part not in known:
            kind = "neutron radius" if known is NEUTRON_RADII else "contact parameter"
            raise ValueError(f"combination {name}: {part!r} is no {kind}; expected one of {', '.join(known)}")
        if not np.isfinite(unit) or unit == 0:
            raise ValueError(f"combination {name}: {part} times {unit:g}; expected a finite number other than zero")
    least, most = zip(*(known[part].usual for part in of), strict=True)
    if name in WORDS_OF_COMBINATIONS and dict(of) != WORDS_OF_COMBINATIONS[name].of:
        alike = " and ".join(f"{part} times {unit:g}" for part, unit in WORDS_OF_COMBINATIONS[name].of.items())
        raise ValueError(f"combination {name}: is written as that of {alike}; expected these, or another name")
    said = by_name(name)
    return Combination(
        name=name,
        tex=said.tex,
        html=said.html,
        spoken=said.spoken,
        unit=said.unit,
        usual=(min(least), max(most)),
        zero_is_standard_model=known is CONTACT_PARAMETERS,
        of=dict(of),
    )


def _tied(pair: str) -> Combination:
    """Both quarks' couplings of a pair, which are the same."""
    tex, plain = _letters(pair)
    return Combination(
        name=f"eps_{pair}_V",
        tex=rf"\epsilon_{{{tex}}}^{{uV}} = \epsilon_{{{tex}}}^{{dV}}",
        html=f"ε<sub>{plain}</sub><sup>uV</sup> = ε<sub>{plain}</sub><sup>dV</sup>",
        spoken=f"epsilon {plain} uV and dV",
        zero_is_standard_model=True,
        of={coupling_name(pair, quark): 1.0 for quark in QUARKS},
    )


# What a combination of one of these names is called in words, and so has to be.
WORDS_OF_COMBINATIONS: dict[str, Combination] = {
    made.name: made
    for made in (
        *map(_tied, PAIRS),
        Combination(
            name="neutron_radius_csi_fm",
            tex=r"R_n(\mathrm{Cs,\,I})",
            html="R<sub>n</sub>(Cs, I)",
            spoken="neutron radius of cesium and iodine",
            unit="fm",
            of={"neutron_radius_Cs133_fm": 1.0, "neutron_radius_I127_fm": 1.0},
        ),
    )
}


def by_name(name: str) -> Parameter:
    """What has no other words than its name: a nuisance, or a combination that a configuration calls so."""
    if name in WORDS_OF_COMBINATIONS:
        return WORDS_OF_COMBINATIONS[name]
    plain = name.replace("_", r"\_")
    return Parameter(
        name=name, tex=rf"\mathrm{{{plain}}}", html=html.escape(name), spoken=name, zero_is_standard_model=True
    )


def expanded(parameters: Mapping[str, Real], combinations: Mapping[str, Combination]) -> dict[str, Real]:
    """Parameters without combinations: what these add to their contact parameters, and what is given by itself.

    Values broadcast.

    >>> both = combination("both", {"eps_ee_uV": 1.0, "eps_ee_dV": 0.5})
    >>> expanded({"both": 0.2, "eps_ee_uV": 0.1, "eps_mumu_dV": 0.3}, {"both": both})
    {'eps_ee_uV': 0.30000000000000004, 'eps_mumu_dV': 0.3, 'eps_ee_dV': 0.1}
    """
    result = {name: value for name, value in parameters.items() if name not in combinations}
    for name in parameters:
        if name in combinations:
            for part, unit in combinations[name].of.items():
                added = unit * parameters[name]
                result[part] = result[part] + added if part in result else added
    return result


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One scanned parameter."""

    name: str
    minimum: float
    maximum: float
    points: int
    scale: str = "linear"

    def values(self) -> FloatArray:
        """Grid values, ends included exactly, (points,)."""
        space = np.geomspace if self.scale == "log" else np.linspace
        return space(self.minimum, self.maximum, self.points)

    def coordinates(self) -> FloatArray:
        """The same, (points,), in the scale in which they are evenly spaced: log10 of them on a log axis."""
        return np.log10(self.values()) if self.scale == "log" else self.values()

    def value(self, coordinate: FloatArray) -> FloatArray:
        """Values at coordinates of any shape, kept between the axis' ends, which are exact."""
        if self.scale != "log":
            return np.clip(coordinate, self.minimum, self.maximum)
        inside = np.where(coordinate >= np.log10(self.maximum), self.maximum, 10**coordinate)
        return np.clip(np.where(coordinate <= np.log10(self.minimum), self.minimum, inside), self.minimum, self.maximum)

    def wider(self, part: float) -> tuple["Axis", "Axis"]:
        """The axis with its lower end, and with its upper end, further out by a part of its width."""
        x = self.coordinates()[[0, -1]]
        margin = part * float(x[1] - x[0])
        low, high = (float(10**end if self.scale == "log" else end) for end in (x[0] - margin, x[1] + margin))
        return replace(self, minimum=low), replace(self, maximum=high)
