"""Swedish texts that are hard to mask right. All people are invented."""

from tests.unit.redactor.adversarial.case import Case, readable

CASES = (
    Case(
        "Anna Lindqvist, Storgatan 14, 411 24 Göteborg, pnr 850709-9805, anna@lindqvist.se",
        ("Anna", "Lindqvist", "Storgatan", "411 24", "Göteborg", "850709", "9805", "lindqvist.se"),
    ),
    Case("Hej Göran, tack för samtalet.", ("Göran",), ("tack för samtalet",)),
    Case("Kära fru Åkerhielm!", ("Åkerhielm",), ("Kära fru",)),
    Case("Jag heter Sixten Törnblad och bor i Lund.", ("Sixten", "Törnblad"), ("bor i Lund",)),
    Case("Med vänliga hälsningar\nPelle Ekström", ("Pelle", "Ekström")),
    Case("Vänliga hälsningar,\n\nYlva-Li Brännström", ("Ylva", "Brännström")),
    Case("Det är vår, och i maj är allt stilla.", (), ("vår", "maj", "stilla")),
    Case("Stig Björk och Maj Berg kom inte.", ("Stig", "Björk", "Maj", "Berg"), ("kom inte",)),
    Case("Anders sak och Lindqvists svar. Anders Lindqvist vann.", ("Anders", "Lindqvist")),
    Case("Lars sak är avslutad.", (), ("är avslutad",)),
    Case("EVA SUNDSTRÖM KRÄVER ERSÄTTNING", ("EVA", "SUNDSTRÖM"), ("ERSÄTTNING",)),
    Case("Ring 070-174 06 58 eller 08-123 456 78.", ("070-174", "06 58", "08-123")),
    Case("Mobil: 0701740658", ("0701740658",)),
    Case("Order 0701740658 och beställning 850709-9805", (), ("0701740658", "850709-9805")),
    Case("pnr 19850709-9805 samt 198507099805", ("19850709-9805", "198507099805")),
    Case("samordningsnummer 850769-9801", ("850769-9801",)),
    Case("Född 850709+9805 enligt kyrkboken", ("850709+9805",)),
    Case("Box 55, 101 22 Stockholm", ("101 22", "Stockholm")),
    Case("Lilla Nygatan 3 lgh 1203\n111 28 Stockholm", ("Nygatan 3", "1203", "111 28")),
    Case("Konto SE45 5000 0000 0583 9825 7466", ("SE45", "7466")),
    Case("Johansson, Karin kallas till möte", ("Johansson", "Karin"), ("kallas till möte",)),
    Case("K. Johansson svarade aldrig.", ("Johansson",), ("svarade aldrig",)),
    Case("Kunden Wallenrod Ek och handläggaren Sandberg", ("Sandberg",), ("handläggaren",)),
    Case("Skatteverket och Volvo AB i Malmö", (), ("Skatteverket", "Volvo AB", "Malmö")),
    Case("Till: Nils-Erik Alm\nFrån: Gun Modig", ("Nils", "Erik", "Alm", "Gun", "Modig")),
    Case(
        "Mohammed Al-Rashid och Agnieszka Kowalska", ("Mohammed", "Rashid", "Agnieszka", "Kowalska")
    ),
    Case("Namn: Ture Fridh", ("Ture", "Fridh"), ("Namn",)),
    Case("jag pratade med kerstin holmgren igår", ("kerstin", "holmgren"), ("igår",)),
    Case("Priset är 12 500 kr för 3 st, ref 2026-11.", (), ("12 500 kr", "3 st")),
    Case("Fru Ståhl-Nord och dr. Winbladh", ("Ståhl", "Winbladh"), ("Fru",)),
    Case("Mosebacke torg 3, 116 46 Stockholm", ("Mosebacke torg 3", "116 46")),
    Case("LÄMNAS TILL UNDERSÖKNING KL 10", (), ("TILL UNDERSÖKNING",)),
    Case("hej gunilla, mvh kerstin", ("gunilla", "kerstin"), ("hej", "mvh")),
    Case("Bo sade att Ulla svarade.", ("Bo", "Ulla"), ("sade att",)),
    Case("Joergen Aakesson och Goeran Saellstroem bor här", ("Aakesson", "Saellstroem")),
    Case("Handläggare: Åkerlund, B. och NYSTRÖM, Eva", ("Åkerlund", "NYSTRÖM", "Eva")),
    readable("Produkterna Astrid, Elsa och Signe i serien Nordica är slut."),
    readable("Kaffemaskinen Moccamaster kostar 1999 kr."),
    readable("Spendrups, Carlsberg och Åbro bryggeri levererar."),
    readable("Vi möts på Hotell Anglais, Restaurang Prinsen eller Café Saturnus."),
    readable("Dagens Nyheter, Svenska Dagbladet och Göteborgs-Posten skriver."),
    readable("Gustav Adolfs-bakelsen säljs i november."),
    readable("Alfred Nobels Björkborn ligger i Karlskoga."),
    readable("Varorna från Scania, Skanska och Alfa Laval är i lager."),
    readable("Posten, Schenker och Bring levererar."),
    readable("Vi åker till Norrköping, Sundsvall och Östersund via Gävle."),
    readable("Luleå, Umeå och Skellefteå ligger i norr."),
    readable("Filmen Sällskapsresan och serien Bron är populära."),
    readable("Programmet Allsång visas i SVT."),
    readable("Försäkringskassan, Arbetsförmedlingen, Kronofogden och Bolagsverket svarar."),
    readable(
        "Loppet går till Mora och Lucia firas i december, Valborg i april. "
        "Med vänlig hälsning Ekonomiavdelningen"
    ),
    Case(
        "Skriv till Björkvägen 14 i Flen och Asplunds på Ringgatan 7, Anders bor där.",
        ("Björkvägen", "Flen", "Ringgatan 7"),
        ("bor där",),
    ),
    Case(
        "Närvarande: Saga, Omar al-Rashidi. Kunden Brännkvarn väntar på Pham Van Loc.",
        ("Saga", "Rashidi", "Brännkvarn", "Pham", "Loc"),
        ("Närvarande",),
    ),
    Case(
        "ring karin nordlunda svensson\nLinn,Bergkvist,1975",
        ("karin", "nordlunda", "svensson", "Linn", "Bergkvist"),
        ("ring",),
    ),
)

MISSES = (
    Case("Till: Nils-Erik Ask", ("Ask",)),
    Case("Rabin och Erasmie var där.", ("Rabin", "Erasmie")),
    Case("Jag såg Love och Tindra i skolan.", ("Love",)),
    Case("Bor vid Mosebacke torg.", ("Mosebacke",)),
)
