"""Sample texts by level and language; the second of a pair is a reason that must be named.

Invented people only. The project is one of the company's own list.
"""

from typing import Final

from shared.contracts.values import Sensitivity

PUBLIC, INTERNAL, CONFIDENTIAL, PERSONAL, SPECIAL = Sensitivity
PROJECT: Final = "Nordlys"

Samples = dict[str, list[tuple[str, str]]]
SAMPLES: Final[dict[Sensitivity, Samples]] = {
    PUBLIC: {
        "da": [
            ("Hvornår åbner butikken på lørdag?", ""),
            ("Skriv en kort tekst om vores nye varmepumper.", ""),
            ("Hvad er symptomerne på diabetes?", ""),
            ("Forklar forskellen på en fagforening og en a-kasse.", ""),
            ("Bekræft venligst, at ordren er modtaget.", ""),
            ("Maskinen har 10 års garanti, og vi rejser på 2. klasse.", ""),
        ],
        "nb": [
            ("Når åpner butikken på lørdag?", ""),
            ("Skriv en kort tekst om de nye varmepumpene våre.", ""),
            ("Hva er symptomene på diabetes?", ""),
            ("Bekreft at bestillingen er mottatt.", ""),
            ("Hva gjør en fagforening?", ""),
        ],
        "nn": [
            ("Når opnar butikken på laurdag?", ""),
            ("Skriv ein kort tekst om dei nye varmepumpene våre.", ""),
            ("Kva er symptoma på diabetes?", ""),
            ("Stadfest at tingingane er mottekne.", ""),
            ("Kva gjer ei fagforeining?", ""),
        ],
        "sv": [
            ("När öppnar butiken på lördag?", ""),
            ("Skriv en kort text om våra nya värmepumpar.", ""),
            ("Vilka är symtomen på diabetes?", ""),
            ("Bekräfta att beställningen har kommit fram.", ""),
            ("Vad gör ett fackförbund?", ""),
        ],
        "de": [
            ("Wann öffnet das Geschäft am Samstag?", ""),
            ("Schreibe einen kurzen Text über unsere neuen Wärmepumpen.", ""),
            ("Welche Symptome hat Diabetes?", ""),
            ("Das neue Krankenhaus wird im Mai eröffnet.", ""),
            ("Was macht eine Gewerkschaft, und was kostet eine Fahrkarte 2. Klasse?", ""),
        ],
        "en": [
            ("When does the shop open on Saturday?", ""),
            ("My son, please be patient: the film begins in 10 minutes.", ""),
            ("Write a short text about our new heat pumps.", ""),
            ("What are the symptoms of diabetes?", ""),
            ("Our intern wrote this kind of report for 10 years.", ""),
            ("What does a trade union do in the European Union?", ""),
        ],
    },
    INTERNAL: {
        "da": [
            ("Kun til intern brug: mødet er flyttet til tirsdag.", "internal"),
            ("Internt notat om kantinens åbningstid.", "internal"),
            ("Den interne vejledning om rejser er ny.", "internal"),
            ("Denne side er intern og ligger på intranettet.", "internal"),
            ("Skriv et internt opslag om sommerfesten.", "internal"),
        ],
        "nb": [
            ("Kun til intern bruk: møtet er flyttet til tirsdag.", "internal"),
            ("Internt notat om kantinens åpningstid.", "internal"),
            ("Den interne veiledningen om reiser er ny.", "internal"),
            ("Denne siden er intern og ligger på intranettet.", "internal"),
            ("Skriv et internt oppslag om sommerfesten.", "internal"),
        ],
        "nn": [
            ("Berre til intern bruk: møtet er flytta til tysdag.", "internal"),
            ("Internt notat om opningstida i kantina.", "internal"),
            ("Den interne rettleiinga om reiser er ny.", "internal"),
            ("Denne sida er intern og ligg på intranettet.", "internal"),
            ("Skriv eit internt oppslag om sommarfesten.", "internal"),
        ],
        "sv": [
            ("Endast för internt bruk: mötet är flyttat till tisdag.", "internal"),
            ("Internt meddelande om matsalens öppettider.", "internal"),
            ("De interna reglerna för resor är nya.", "internal"),
            ("Den här sidan är intern och ligger på intranätet.", "internal"),
            ("Skriv ett internt inlägg om sommarfesten.", "internal"),
        ],
        "de": [
            ("Nur für den internen Gebrauch: Die Sitzung ist am Dienstag.", "internal"),
            ("Interne Mitteilung über die Öffnungszeiten der Kantine.", "internal"),
            ("Die interne Reiserichtlinie ist neu.", "internal"),
            ("Diese Seite ist nur intern und liegt im Intranet.", "internal"),
            ("Schreibe einen internen Beitrag über das Sommerfest.", "internal"),
        ],
        "en": [
            ("For internal use only: the meeting has moved to Tuesday.", "internal"),
            ("Internal memo on the opening hours of the canteen.", "internal"),
            ("Please do not distribute the travel guide.", "internal"),
            ("This page is company internal and lies on the intranet.", "internal"),
            ("Mark the draft as internal only, please.", "internal"),
        ],
    },
    CONFIDENTIAL: {
        "da": [
            ("Fortroligt: priserne stiger til marts.", "confidential"),
            ("Opskriften er en forretningshemmelighed.", "confidential"),
            ("Udkastet er strengt fortroligt.", "confidential"),
            ("Parterne har underskrevet en NDA om prøverne.", "confidential"),
            ("Hvad er status på Nordlys i denne uge?", "project"),
        ],
        "nb": [
            ("Fortrolig: prisene stiger i mars.", "confidential"),
            ("Oppskriften er en forretningshemmelighet.", "confidential"),
            ("Utkastet er konfidensielt.", "confidential"),
            ("Opplysningene er underlagt taushetsplikt.", "confidential"),
            ("Hva er status på Nordlys denne uken?", "project"),
        ],
        "nn": [
            ("Fortruleg eller ikkje: dette er konfidensielt.", "confidential"),
            ("Oppskrifta er ein bedriftsløyndom.", "confidential"),
            ("Utkastet er konfidensielt fram til måndag.", "confidential"),
            ("Opplysningane er underlagde teieplikt.", "confidential"),
            ("Kva er status på Nordlys denne veka?", "project"),
        ],
        "sv": [
            ("Konfidentiellt: priserna stiger i mars.", "confidential"),
            ("Receptet är en företagshemlighet.", "confidential"),
            ("Utkastet är strikt förtroligt.", "confidential"),
            ("Uppgifterna omfattas av sekretess.", "confidential"),
            ("Vad är läget i Nordlys den här veckan?", "project"),
        ],
        "de": [
            ("Streng vertraulich: Die Preise steigen im März.", "confidential"),
            ("Die Rezeptur ist ein Geschäftsgeheimnis.", "confidential"),
            ("Wir haben eine Geheimhaltungsvereinbarung geschlossen.", "confidential"),
            ("Bitte behandeln Sie den Entwurf vertraulich.", "confidential"),
            ("Wie steht es diese Woche um Nordlys?", "project"),
        ],
        "en": [
            ("Strictly confidential: prices will rise in March.", "confidential"),
            ("The recipe is a trade secret.", "confidential"),
            ("Both parties signed a non-disclosure agreement.", "confidential"),
            ("The numbers are under embargo until Monday.", "confidential"),
            ("What is the status of Nordlys this week?", "project"),
        ],
    },
    PERSONAL: {
        "da": [
            ("Kære Bo Holm, tak for din henvendelse.", "person"),
            ("Ring til kunden på tlf. 12 34 56 78.", "phone"),
            ("Skriv til anders.hansen@eksempel.dk om fakturaen.", "email"),
            ("Anders Hansen bekræftede ordren i går.", "person"),
            ("Fortroligt: Anders Hansen får ny stilling.", "confidential"),
        ],
        "nb": [
            ("Kjære Kari Berge, takk for henvendelsen.", "person"),
            ("Ring kunden på tlf. 22 33 44 55.", "phone"),
            ("Skriv til kari.berge@eksempel.no om fakturaen.", "email"),
            ("Kari Berge bekreftet bestillingen i går.", "person"),
            ("Konfidensielt: Kari Berge får ny stilling.", "confidential"),
        ],
        "nn": [
            ("Kjære Kari Berge, takk for at du skreiv.", "person"),
            ("Ring kunden på tlf. 22 33 44 55.", "phone"),
            ("Skriv til kari.berge@eksempel.no om fakturaen.", "email"),
            ("Kari Berge stadfesta tinginga i går.", "person"),
            ("Konfidensielt: Kari Berge får ny stilling.", "confidential"),
        ],
        "sv": [
            ("Kära Anna Lindqvist, tack för ditt brev.", "person"),
            ("Ring kunden på tel. 070-123 45 67.", "phone"),
            ("Skriv till anna.lindqvist@exempel.se om fakturan.", "email"),
            ("Anna Lindqvist bekräftade beställningen i går.", "person"),
            ("Konfidentiellt: Anna Lindqvist får en ny tjänst.", "confidential"),
        ],
        "de": [
            ("Sehr geehrte Frau Anna Krüger, danke für Ihren Brief.", "person"),
            ("Bitte rufen Sie den Kunden unter Tel. 030 12345678 an.", "phone"),
            ("Schreibe an anna.krueger@beispiel.de wegen der Rechnung.", "email"),
            ("Herr Krebs hat die Bestellung gestern bestätigt.", "person"),
            ("Vertraulich: Frau Anna Krüger wechselt die Stelle.", "confidential"),
        ],
        "en": [
            ("Dear Mr Smithers, thank you for your letter.", "person"),
            ("Call the customer, phone 020 7946 0958.", "phone"),
            ("Write to john.smithers@example.com about the invoice.", "email"),
            ("John Smithers confirmed the order; please be patient.", "person"),
            ("Kind regards, Anna Smithers. We have been here for 10 years.", "person"),
        ],
    },
    SPECIAL: {
        "da": [
            ("Anders Hansen er sygemeldt med en depression.", "health"),
            ("Anders Hansen er medlem af en fagforening.", "union"),
            ("Kære Bo Holm, min søn på 7 år kan ikke sove.", "minor"),
            ("Anders Hansen har en plet på straffeattesten.", "crime"),
            ("Anders Hansen er muslim.", "religion"),
            ("Anders Hansens søn Max er begyndt i tredje klasse.", "minor"),
            ("CPR 010190-1234 skal rettes.", "cpr"),
            ("Adgangskode: Sommer2024!", "secret"),
        ],
        "nb": [
            ("Kari Berge er sykmeldt med en depresjon.", "health"),
            ("Kari Berge er medlem av en fagforening.", "union"),
            ("Kari Berge har en datter på 9 år.", "minor"),
            ("Kari Berge er dømt til fengsel.", "crime"),
            ("Kari Berge er lesbisk.", "sexuality"),
            ("Passord: Sommer2024!", "secret"),
        ],
        "nn": [
            ("Kari Berge er sjukmeld etter ein operasjon.", "health"),
            ("Kari Berge er tillitsvald i ei fagforeining.", "union"),
            ("Kari Berge har ei dotter på 9 år.", "minor"),
            ("Kari Berge er sikta for underslag.", "crime"),
            ("Kari Berge søkte asyl i fjor.", "ethnicity"),
        ],
        "sv": [
            ("Anna Lindqvist är sjukskriven för diabetes.", "health"),
            ("Anna Lindqvist är med i facket.", "union"),
            ("Anna Lindqvist berättar att sonen har börjat i trean.", "minor"),
            ("Anna Lindqvist har en flicka på 6 år.", "minor"),
            ("Anna Lindqvist finns i belastningsregistret.", "crime"),
            ("Anna Lindqvist är homosexuell.", "sexuality"),
            ("lösenordet är korv99Brod", "secret"),
        ],
        "de": [
            ("Frau Anna Krüger ist schwanger.", "health"),
            ("Herr Max Krüger ist gewerkschaftlich organisiert.", "union"),
            ("Frau Anna Krüger ist Schülerin der 3. Klasse.", "minor"),
            ("Herr Max Krüger ist vorbestraft.", "crime"),
            ("Herr Max Krüger hat einen Migrationshintergrund.", "ethnicity"),
            ("Herr Max Krüger liegt im Krankenhaus.", "health"),
            ("Mein Passwort ist Geheim#12", "secret"),
        ],
        "en": [
            ("John Smithers was diagnosed with cancer.", "health"),
            ("John Smithers is a union member.", "union"),
            ("Patient: John Smithers, seen on Monday.", "health"),
            ("John Smithers has a 7-year-old daughter.", "minor"),
            ("John Smithers has a criminal record.", "crime"),
            ("password: hunter2", "secret"),
            ("John Smithers told us about his political views.", "politics"),
        ],
    },
}  # fmt: skip
