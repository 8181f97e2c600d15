"""German texts that are hard to mask right. All people are invented."""

from tests.unit.redactor.adversarial.case import Case, readable

CASES = (
    Case(
        "Max Mustermann, Musterstraße 5, 10115 Berlin, Steuer-ID 36 574 261 809, max@mustermann.de",
        ("Max", "Mustermann", "Musterstraße", "10115", "Berlin", "36 574", "809", "mustermann.de"),
    ),
    Case("Sehr geehrte Frau Dr. Abendroth,", ("Abendroth",), ("Sehr geehrte Frau",)),
    Case("Sehr geehrte Damen und Herren,", (), ("Damen und Herren",)),
    Case("Sehr geehrter Herr Richter,", ("Richter",), ("Sehr geehrter Herr",)),
    Case("Der Richter und der König waren im Sommer da.", (), ("Richter", "König", "Sommer")),
    Case("Herr Sommer war da. Im Sommer kommt er wieder.", ("Herr Sommer",)),
    Case("Ich heiße Friedlinde Osterkamp.", ("Friedlinde", "Osterkamp"), ("Ich heiße",)),
    Case("Mein Name ist Ödön Kirchhainer.", ("Ödön", "Kirchhainer"), ("Mein Name ist",)),
    Case("Mit freundlichen Grüßen\nIhr Holger Adebayo-Krull", ("Holger", "Adebayo", "Krull")),
    Case("MfG\nStein", ("Stein",), ("MfG",)),
    Case("Der Stein und das Bein, der Wolf und der Mai.", (), ("Stein", "Wolf", "Mai")),
    Case(
        "Ludwig von Oberstetten und Anna zu Hohenfels",
        ("Ludwig", "Oberstetten", "Anna", "Hohenfels"),
    ),
    Case("Müllers Auto steht vor Petra Müllers Haus.", ("Petra", "Müller"), ("Auto", "Haus")),
    Case(
        "Hans' Brief und Max' Antwort, Herr Hans Meier und Herr Max Roth.",
        ("Hans", "Max", "Meier", "Roth"),
    ),
    Case(
        "Frau Müller-Lüdenscheidt und Müller-Lüdenscheidts Hund",
        ("Müller", "Lüdenscheidt"),
        ("Hund",),
    ),
    Case("GERHARD BRAUN KÜNDIGT", ("GERHARD", "BRAUN"), ("KÜNDIGT",)),
    Case("Der Mieter Schulz zahlt nicht.", ("Schulz",), ("Der Mieter", "zahlt nicht")),
    Case("Torwart Neumann und Trainerin Voss", ("Neumann",), ("Torwart",)),
    Case("Schmidt, Erika (Kundin seit 2010)", ("Schmidt", "Erika"), ("seit 2010",)),
    Case("E. Schmidt hat unterschrieben.", ("Schmidt",), ("hat unterschrieben",)),
    Case("Tel. (030) 901820-12, Handy 0151 23456789", ("901820", "0151 23456789")),
    Case("Rückruf: +49 (0) 30 901820", ("901820",), ("Rückruf",)),
    Case("Bestellnummer 0151 23456789, Vorgang 36574261809", (), ("0151 23456789", "36574261809")),
    Case("IdNr. 36574261800 und Steuernummer 181/815/08155", ("36574261800", "181/815/08155")),
    Case("IBAN DE89 3704 0044 0532 0130 00", ("DE89", "0532")),
    Case("wohnhaft Am Alten Markt 7, D-18055 Rostock", ("Alten Markt 7", "18055", "Rostock")),
    Case("Lange Str. 12a\n60311 Frankfurt am Main", ("Lange Str. 12a", "60311", "Frankfurt")),
    Case("Straße des 17. Juni ist gesperrt, Platz 3 frei.", (), ("17. Juni", "Platz 3")),
    Case("Siemens AG, Müller GmbH und die Stadt Köln", (), ("Siemens AG", "Stadt Köln")),
    Case(
        "Ayşe Y\u0131ld\u0131z und Nguyen Van Minh ziehen um.",
        ("Ayşe", "Y\u0131ld\u0131z", "Minh"),
        ("ziehen um",),
    ),
    Case("Mu\u0308ller, Ju\u0308rgen: bitte zuru\u0308ckrufen", ("Mu\u0308ller", "Ju\u0308rgen")),
    Case("ruf petra lehmann an", ("petra", "lehmann"), ("ruf", "an")),
    Case(
        "Wir haben 15 Stück zu 1.250,00 Euro am 24.11.2026 geliefert.",
        (),
        ("1.250,00", "24.11.2026"),
    ),
    Case(
        "Absender: Uwe Brandtner, Am Bach 3, 83022 Rosenheim",
        ("Uwe", "Brandtner", "Am Bach 3", "83022"),
    ),
    Case("Er wohnt Auf der Höh 3.", ("Auf der Höh 3",), ("Er wohnt",)),
    Case("Straße des 17. Juni 135, 10623 Berlin", ("17. Juni 135", "10623")),
    Case("Postfach 12 34, 10115 Berlin", ("12 34", "10115")),
    Case("Frau Dr. med. Ziegenhals und mein Sohn Emil", ("Ziegenhals", "Emil"), ("mein Sohn",)),
    Case("Schrauben, Muttern und Werkzeug von der Firma Bosch.", (), ("Schrauben", "Bosch")),
    Case("hallo sabine, lg thorsten", ("sabine", "thorsten"), ("hallo", "lg")),
    Case("Max sagt, dass Mai schrieb.", ("Max", "Mai"), ("sagt, dass",)),
    Case("Gelesen von K.-D. Reimann und MAYER, Anna", ("K.-D", "Reimann", "MAYER", "Anna")),
    Case("Baerbel Koehler und Guenther Boehm wohnen hier", ("Baerbel", "Koehler", "Boehm")),
    Case("Hannelore Freiherr von Sayn kommt", ("Hannelore", "Sayn"), ("kommt",)),
    readable("Das Modell Anna, die Serie Clara und der Sessel Emil sind lieferbar."),
    readable("Otto-Suhr-Allee und Karl-Marx-Straße sind gesperrt."),
    readable("Hallo liebes Team, Hallo Nachbarn."),
    readable("Die Klage liegt beim Landgericht Augsburg."),
    readable("Im Kaufhaus Beck, bei Ludwig Beck am Rathauseck und im Café Luitpold."),
    readable("Die Waschmaschine Bosch Serie 6 und der Trockner Miele T1 haben Garantie."),
    readable("Die Firma Bosch, die Siemens AG und die Robert Bosch Stiftung laden ein."),
    readable("In Ulm, Trier und Mainz gibt es Dome."),
    readable("Morbus Parkinson, Morbus Crohn und Alzheimer sind Krankheiten."),
    readable("Der Renault Kangoo steht im Hof."),
    readable("Christi Himmelfahrt, Mariä Himmelfahrt und Allerheiligen sind Feiertage."),
    readable("Ein Richter und ein Kaiser waren da."),
    readable(
        "Die Abfrage dauert 180 ms Gesamtzeit. Wir feiern Silvester im Dezember. "
        "Die Maschine ist von Miele. Mit freundlichen Grüßen Ihre Lohnabteilung"
    ),
    Case(
        "Anwesend: Noel, Karim al-Khouri. Der Junge Noel fragt. Anke lacht, ich bin Uschi.",
        ("Noel", "Khouri", "Anke", "Uschi"),
        ("Der Junge",),
    ),
    readable("Zu Silvester und vor Silvester bleibt das Büro zu."),
)

MISSES = (
    Case("Sichau und Legros klagen gegen den Bescheid.", ("Sichau", "Legros")),
    Case("Ich war bei Wolf und bei Rose.", ("Wolf", "Rose")),
)
