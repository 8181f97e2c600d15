"""Holds the words of postal addresses: how streets end, and what stands beside them."""

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SUFFIXES: Final = _words(
    """
    vej vejen gade gaden gata gaten gatan gate veien vegen veg vägen väg allé alle alléen allén
    plads pladsen plass plassen stræde strædet torv torvet torg torget vænget vænge stigen gränd
    gränden svingen boulevard boulevarden brygge bryggen kajen toften straße strasse str weg allee
    gasse ufer damm chaussee platz stieg twiete promenade esplanaden
    """
)
"""How a street's last word ends, or is, in da, nb, nn, sv and de."""

WEAK_SUFFIXES: Final = _words(
    """
    ring sti stien lia haven marken engen lunden parken bakken kroken tunet terrasse terrassen kaj
    løkken løkka ageren højen ledet steig pfad graben markt wall backen backe liden kullen åsen
    slippen planen vik bo hof berg tal see have gård gården gaard
    """
)
"""Everyday words end like these too, so they count only with a postcode and a city."""

RARE_SUFFIXES: Final = _words(
    """
    lia bakken bakke haven marken engen lunden parken kroken tunet løkken løkka ageren højen kullen
    åsen slippen backen backe liden sti stien hagen haugen moen teigen bråtet toppen kollen dalen
    ringen steig pfad graben
    """
)
"""Behind a word for a home, or before a town, they are streets: "huset i Bjørkelia 3"."""

HOMES: Final = frozenset(
    _words(
        """
        huset hus heimen hjemmet hemmet leiligheten lejligheden lägenheten leilegheita bolig boligen
        boligen bustaden bostaden villaen villan rækkehuset rekkehuset radhuset hytta hytten
        haus wohnung house
        """
    )
)

NAMING_SUFFIXES: Final = _words("straße strasse gade gata gatan platz plads pladsen allee allé")
"""No surname ends so: Konrad-Adenauer-Allee is no person."""

LOWER_CASE_SUFFIXES: Final = _words("gade gata gatan straße strasse allé veien vägen")
"""Written without a capital these are streets all the same; "motorvej 12" is none."""

RANKS: Final = frozenset(_words("platz plads plass promenade alle väg weg"))
"""Alone before a number these are mostly something else: "Brasilien Platz 1"."""

ENGLISH: Final = frozenset(
    _words(
        """
        street road lane avenue drive close crescent terrace square gardens grove mews way court
        place row hill rise st rd ave ln boulevard walk parade circus parkway quay wharf heights
        blvd
        """
    )
)

ADJECTIVES: Final = frozenset(
    _words(
        """
        neue neuen neuer alte alten alter lange langen kleine große grosse gamle gammel nye ny store
        lille stora lilla nya gamla vestre østre søndre nordre nørre vester øster sønder södra norra
        östra västra indre ydre søre nordre vesle øvre nedre austre ytre yttre övre inre
        """
    )
)
"""They may begin a street's name, although they are everyday words."""

LEADS: Final = frozenset(
    _words("am an der den dem im in zum zur auf alten alter unter von af de la")
)
"""Small words inside a street's name: Am Alten Markt, Straße des 17. Juni."""

LIVING: Final = frozenset(
    _words(
        """
        bor bur bo boende bosatt wohnt wohne wohnhaft wohnen lives live living adresse adressen
        adresses anschrift bopæl address adr hjemmeadresse postadresse besøgsadresse lieferadresse
        flytter flyttet zieht straße strasse street gatuadress gateadresse gadenavn vejnavn
        """
    )
)
"""After one of these what stands before a number is a street, whatever its ending."""

NO_STREETS: Final = frozenset(
    _words(
        """
        adresse anschrift address bor wohnhaft wohne bopæl adressen bostedsadresse besøgsadresse
        hjemmeadresse lieferadresse postadresse besøg nr no nummer number hus haus house tel tlf
        telefon telefonnummer
        tresor schlüsseltresor code kode pin palle pallet palette kolli
        """
    )
)
"""They stand before an address and are no part of it."""

HOUSES: Final = frozenset(
    _words(
        """
        cottage house farm lodge rectory vicarage manor hall mill barn bungalow villa grange priory
        flat apartment unit box
        """
    )
)
UK_PARTS: Final = ENGLISH | HOUSES
"""With one of these a part of an English address is its street or house."""

FARM_ENDINGS: Final = _words("gård gården gaard gard garden gardar minde stua tunet hof")
"""A word before a street that ends so is the farm's name and belongs to the address."""
