"""Norwegian texts (Bokmål and Nynorsk) that are hard to mask right. All people are invented."""

from tests.unit.redactor.adversarial.case import Case

CASES = (
    Case(
        "Kari Nordvik, Storgata 5, 0155 Oslo, fødselsnummer 01010750160, kari@nordvik.no",
        ("Kari", "Nordvik", "Storgata", "0155", "Oslo", "01010750160", "nordvik.no"),
    ),
    Case(
        "Kjære fru Bjørkelangen, takk for brevet.",
        ("Bjørkelangen",),
        ("Kjære fru", "takk for brevet"),
    ),
    Case("Hei Torbjørn, hvordan går det?", ("Torbjørn",), ("hvordan går det",)),
    Case("Eg heiter Gunnhild Vaksdal og bur i Bergen.", ("Gunnhild", "Vaksdal"), ("Bergen",)),
    Case("Vennlig hilsen\nØystein Fjellvær-Hagen", ("Øystein", "Fjellvær", "Hagen")),
    Case("Mvh Siv", ("Siv",), ("Mvh",)),
    Case("I går møtte eg Odd Strand og Tor Lie.", ("Odd", "Strand", "Tor", "Lie"), ("I går",)),
    Case("Det er odde tal, ei strand og ein lie.", (), ("odde tal", "strand", "lie")),
    Case("Saken til Per Fardal ble avvist av Lise.", ("Per", "Fardal", "Lise"), ("avvist av",)),
    Case("HEGE SØRLIE KREVER SVAR", ("HEGE", "SØRLIE"), ("KREVER SVAR",)),
    Case("Ring 912 34 567 eller 22 86 44 00.", ("912 34 567", "22 86 44 00")),
    Case("Mobil +47 912 34 567", ("912 34 567",)),
    Case("Telefon: 91234567", ("91234567",)),
    Case("Ordre 91234567 og referanse 01010750160", (), ("91234567", "01010750160")),
    Case("D-nummer 41010750160 gjelder fra mai.", ("41010750160",), ("fra mai",)),
    Case("fnr. 010107 50161 er feil", ("010107 50161",), ("er feil",)),
    Case("Karl Johans gate 22 H0203, 0159 Oslo", ("Karl", "gate 22", "H0203", "0159", "Oslo")),
    Case("Postboks 123, 5003 Bergen", ("123", "5003", "Bergen")),
    Case("Øvre Slottsgate 3\n0157 Oslo\nNorge", ("Slottsgate 3", "0157")),
    Case("Kontonummer NO9386011117947 hos banken", ("NO9386011117947",)),
    Case("Haugen, Ragnhild (f. 1970)", ("Haugen", "Ragnhild"), ("1970",)),
    Case("Ragnhilds klage og Haugens svar. Ragnhild Haugen vant.", ("Ragnhild", "Haugen")),
    Case("Nav og Skatteetaten i Trondheim har svart.", (), ("Nav", "Skatteetaten", "Trondheim")),
    Case("Equinor ASA og Hansen Bygg AS vant anbudet.", (), ("Equinor ASA", "vant anbudet")),
    Case(
        "Til: Birger Aamodt\nFra: Tuva Rønning",
        ("Birger", "Aamodt", "Tuva", "Rønning"),
        ("Til:", "Fra:"),
    ),
    Case(
        "Amina Warsame og Piotr Zieliński bytter vakt.", ("Amina", "Warsame", "Piotr", "Zieliński")
    ),
    Case("pasienten Solberg er utskrevet", ("Solberg",), ("er utskrevet",)),
    Case("Møtet er 17. mai kl. 12 i Stortinget.", (), ("17. mai", "kl. 12", "Stortinget")),
    Case("skriv til kari haugen i morgen", ("kari", "haugen"), ("i morgen",)),
    Case("Eva-Lill Ness' hus", ("Eva", "Lill", "Ness"), ("hus",)),
    Case("Nygt. 5, 5015 Bergen", ("Nygt. 5", "5015", "Bergen")),
    Case("Min kollega Jadwiga og naboen Hodan kom.", ("Jadwiga", "Hodan"), ("kollega", "kom")),
    Case("Bor på Solbakken, oppgang B.", ("Solbakken",)),
    Case("skriv til kari berge i morgen", ("kari berge",), ("skriv til",)),
    Case("Fardal svarte ikke.", ("Fardal",), ("svarte ikke",)),
)

MISSES = (
    Case("Heimdal var syk, og Bekkemellem gikk.", ("Heimdal", "Bekkemellem")),
    Case("Eg snakka med Eldrid Hugøy-Tveitå sin bror Ofer.", ("Ofer",)),
)
