"""Danish texts that are hard to mask right. All people are invented."""

from tests.unit.redactor.adversarial.case import Case

CASES = (
    Case(
        "Anders Hansen, Vestergade 12, 8000 Aarhus C, CPR 010190-1234, anders@hansen.dk",
        ("Anders", "Hansen", "Vestergade", "8000", "Aarhus", "010190", "1234", "hansen.dk"),
    ),
    Case("Kære hr. Tvilumgaard, tak for brevet.", ("Tvilumgaard",), ("Kære hr.", "tak for brevet")),
    Case("BEMÆRK: KAREN MØLLER HAR KLAGET IGEN", ("KAREN", "MØLLER"), ("BEMÆRK", "KLAGET IGEN")),
    Case("Jeg talte med Bo Holm og Mai Lund i går.", ("Bo", "Holm", "Mai", "Lund"), ("i går",)),
    Case("Vi bo tæt på, og i maj er der max 5 pladser.", (), ("bo tæt", "maj", "max 5")),
    Case("Det er hans bil, ikke Hans Bruuns.", ("Hans Bruun",), ("Det er hans bil",)),
    Case("Jens' sag ligger hos Lars Vittrup.", ("Jens", "Lars", "Vittrup"), ("sag ligger hos",)),
    Case(
        "Hansen, Anders (kunde) og Petersen, Karen (medlem)",
        ("Hansen", "Anders", "Petersen", "Karen"),
        ("kunde", "medlem"),
    ),
    Case("A. K. Rosenkilde skrev under.", ("Rosenkilde",), ("skrev under",)),
    Case("skriv til mette nørgaard på mandag", ("mette", "nørgaard"), ("på mandag",)),
    Case("Anne-Mette Kjær-Olsen kommer kl. 10.", ("Anne", "Mette", "Kjær", "Olsen"), ("kl. 10",)),
    Case("An\u00adders Han\u200bsen bor her.", ("An\u00adders", "Han\u200bsen"), ("bor her",)),
    Case("S\u00f8ren Mu\u0308nster, kontakt&nbsp;udbedes", ("S\u00f8ren", "Mu\u0308nster")),
    Case("S&oslash;ren Brandt har ringet.", ("S&oslash;ren", "Brandt"), ("har ringet",)),
    Case(
        "Mehmet Y\u0131lmaz og Fatima El-Khatib flytter.",
        ("Mehmet", "Y\u0131lmaz", "Fatima", "Khatib"),
    ),
    Case("Nguyen Thi Linh har søgt om boligstøtte.", ("Linh",), ("boligstøtte",)),
    Case("Mit navn er Xerxes Quistorff.", ("Xerxes", "Quistorff"), ("Mit navn er",)),
    Case("Underskrevet\nMed venlig hilsen\n\nZoltan Brøgger\n", ("Zoltan", "Brøgger")),
    Case("Mvh Signe", ("Signe",), ("Mvh",)),
    Case(
        "Med venlig hilsen\nKundeservice\nNordlys Varme A/S",
        (),
        ("Kundeservice", "Nordlys Varme A/S"),
    ),
    Case("Kære kundeservice, hej alle sammen", (), ("Kære kundeservice", "hej alle sammen")),
    Case(
        "Ordrenummer 20231145, ordre 4711-2089, varenr. 12345678",
        (),
        ("20231145", "4711-2089", "12345678"),
    ),
    Case(
        "Faktura 2026-004711 på 12.500,00 kr. forfalder 01.12.2026",
        (),
        ("2026-004711", "12.500,00", "01.12.2026"),
    ),
    Case("Ring på tlf. 20231145 om ordre 20231146", ("20231145",), ("20231146",)),
    Case("Mobil: 40 28 11 93 / +45 4028 1193", ("40 28 11 93", "4028 1193")),
    Case("CPR-nr.: 3112991235 og 010190 1234", ("3112991235", "010190 1234")),
    Case("Fødselsdato og personnummer 150385-2468.", ("150385-2468",)),
    Case(
        "Adressen er Gl. Strandvej 14B, st. th., 3000 Helsingør.",
        ("Strandvej", "14B", "3000", "Helsingør"),
    ),
    Case("H.C. Andersens Boulevard 27, 1553 København V", ("Andersens", "27", "1553", "København")),
    Case(
        "Mødet er på Rådhuspladsen, og vi var 12 på vej hjem.", (), ("Rådhuspladsen", "12 på vej")
    ),
    Case("bor på birkegade 7, 2. tv i Odense", ("birkegade 7",), ("Odense",)),
    Case("Kontonr. DK9520000123456789 (Jyske)", ("DK9520000123456789",)),
    Case("Kortet 4111 1111 1111 1111 er spærret.", ("4111",), ("er spærret",)),
    Case("Send det til KIRSTEN.BAY@EKSEMPEL.DK i dag", ("KIRSTEN", "BAY@"), ("i dag",)),
    Case("Hansen A/S leverer, og Peter Hansen betaler.", ("Peter Hansen",), ("leverer", "betaler")),
    Case(
        "Google, Danske Bank og Aarhus Kommune er med.",
        (),
        ("Google", "Danske Bank", "Aarhus Kommune"),
    ),
    Case(
        'Notat: {"kunde": "Rikke Dam", "mobil": "22334455"}',
        ("Rikke", "Dam", "22334455"),
        ("kunde", "mobil"),
    ),
    Case("Bor du på Langelinie 12?", ("Langelinie 12",), ("Bor du på",)),
    Case("Vedrørende boligstøtte til Gorm Tvedegaard fra august", ("Gorm", "Tvedegaard"), ("fra",)),
    Case("Skriv til Eskild Aamand om sagen.", ("Eskild", "Aamand"), ("om sagen",)),
    Case("Mvh. Torvild", ("Torvild",), ("Mvh.",)),
    Case("Vh\nGrethe Ibsgaard", ("Grethe", "Ibsgaard"), ("Vh",)),
    Case("Hendes søsters, Karins, brev ligger her.", ("Karin",), ("Hendes søsters", "brev")),
    Case("Åbent på Egeby Bibliotek hele ugen.", (), ("Egeby Bibliotek",)),
    Case("| Navn | Xerold Brantvig |", ("Xerold", "Brantvig"), ("Navn",)),
    Case("Max: hej\nBo: hej igen", ("Max", "Bo"), ("hej igen",)),
    Case("Overlæge Zygmunt Wrzosek så ham.", ("Zygmunt", "Wrzosek"), ("Overlæge", "så ham")),
    Case("Jeg bor Solbakken 4, 2. tv", ("Solbakken 4, 2. tv",), ("Jeg bor",)),
    Case("anders hansen, vestergade 12, 8000 aarhus c", ("anders", "vestergade", "8000", "aarhus")),
    Case("Vi ses på Rådhuspladsen eller i Tivoli.", (), ("Rådhuspladsen", "Tivoli")),
    Case("Fra Atlas Copco og Georg Jensen til Costa Rica", (), ("Copco", "Georg", "Costa Rica")),
    Case(
        "Navn;Adresse;Postnr\nAnders Hansen;Vestergade 12;8000 Aarhus",
        ("Hansen", "Vestergade", "8000"),
    ),
    Case("anders(at)eksempel(punktum)dk", ("anders",)),
)

MISSES = (
    Case("Gheorge ringede til Dalos om regningen.", ("Gheorge", "Dalos")),
    Case("CPR: nul en nul en ni nul, en to tre fire", ("nul en nul en ni nul",)),
    Case("H a n s e n har skrevet.", ("H a n s e n",)),
)
