"""Holds the words around names: titles, greetings, closings, labels, and what makes a company."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES: Final = _words(
    """
    hr fru frk frøken herr herrn frau fräulein fröken mr mrs ms miss mx dr prof professor doktor
    sir dame madam hrn fr dipl ing mag
    cand jur stud phil rer habil
    """
)
"""Whoever follows is a person, known name or not."""

NO_FIRST: Final = {
    "da": frozenset({"till"}),
    "nb": frozenset({"till"}),
    "nn": frozenset({"till"}),
    "sv": frozenset({"till"}),
    "en": frozenset({"my"}),
}
"""First names elsewhere that are small words in a language."""

FACULTIES: Final = _words("med rer nat phil jur oec pol dent vet")
"""With a stop they are part of a title: "Dr. med. Abendroth"."""

ROLES: Final = _words(
    """
    advokat advokaten rechtsanwalt rechtsanwältin anwalt anwältin notar notarin sagsbehandler
    sagsbehandleren saksbehandler saksbehandleren handläggare handläggaren sachbearbeiter
    sachbearbeiterin direktør direktøren direktör direktor direktorin læge lægen lege legen overlæge
    fastlege läkare läkaren tandlæge lektor rektor kunde kunden kundin klient klienten klientin
    patient patienten patientin pasient pasienten borger borgeren medarbejder medarbejderen
    medarbeider medarbeideren mitarbeiter mitarbeiterin medarbetare medarbetaren kollega kollegaen
    kollegan kollege kollegin kollegen lejer lejeren leietaker hyresgäst hyresgästen mieter mieterin
    vermieter vermieterin udlejer zeuge zeugin vidnet vitnet mandant mandantin rådgiver rådgiveren
    konsulent konsulenten chef chefen leder lederen formand formanden formann ordförande minister
    statsminister pastor pfarrer præsten præst prest polizist betjent naboen nabo nachbar nachbarin
    client customer tenant employee colleague manager director lawyer attorney witness nurse
    neighbour neighbor sygeplejerske sykepleier sjuksköterska elev eleven schüler schülerin student
    studerende ansøger ansøgeren bewerber bewerberin søker sökande min mein meine meinem meiner
    sagsbehandlerens overlærer lærer læreren lærar lærerinne lehrer lehrerin lärare läraren pædagog
    pædagogen erzieher erzieherin psykolog psykologen psychologe psychologin fysioterapeut jordemor
    jordmor barnmorska hebamme överläkare överläkaren överläkarens kontorchef afdelingsleder
    avdelingsleder enhetschef teamleder teamleiter teamleiterin projektleder prosjektleder
    projektledare projektleiter projektleiterin geschäftsführer geschäftsführerin betriebsrat
    vicevært vaktmester hausmeister hausmeisterin håndværker tømrer vvs elektriker montør
    installatør revisor revisoren bogholder regnskabschef dommer dommeren richterin staatsanwalt
    staatsanwältin anklager forsvarer kurator kuratorn socialrådgiver sosionom socialsekreterare
    betreuer betreuerin pflegerin vikar vikaren praktikant praktikanten azubi mor far søn datter
    bror søster mors fars søns datters brors søsters bedstemor bedstefar mormor morfar farmor
    farfar moster faster onkel tante fætter kusine hustru kone kona mand ektemann samboer
    samlever kæreste kjæreste ekskone eksmand ektefelle sønn sønnen sønnens datteren datterens
    moren faren moderen faderen broren søsteren besteforelder sonen dotter dottern maka sambo
    syster brodern pappa mamma ehefrau ehemann sohn tochter bruder schwester mutter
    vater oma opa enkel enkelin neffe nichte schwiegermutter schwiegervater
    lebensgefährte lebensgefährtin partnerin freundin freund husband wife son daughter brother
    sister mother father mum mom dad uncle aunt grandmother grandfather grandson niece nephew
    partner boyfriend girlfriend fiancé fiancée cousin carer landlord landlady tutor solicitor
    accountant receptionist trainee apprentice resident pupil beboer beboeren brukeren brukaren
    junge jungen mädchen gutten jenta drengen pigen pojken flickan barnet
    klassekammerat veninde ven venn venninne väninna vän hos v ved att
    """
)
"""A known name that follows is a person."""

GREETINGS: Final = _words(
    """
    kære kjære käre kära hej hejsa hei heisann hi hello dear liebe lieber liebes hallo moin geehrte
    geehrter geehrten goddag godmorgen goddagen tag tak takk tack thanks danke servus grüezi hallå
    bästa beste
    kjæraste hejhej tjena halløj morn
    """
)

CLOSINGS: Final = _words(
    """
    hilsen hilsner hilsning hilsener mvh vh kh bh mh hälsningar hälsning grüßen grüße gruß grüssen
    grüsse gruss mfg lg vg regards sincerely truly faithfully cheers wishes helsing venlighilsen
    hochachtungsvoll respektfuldt ærbødigst hälsar hilser vänligen vennligst
    hilsenen helsning vennleg bhs hilsnerne hälsningarna grüsst grüßt knus klem
    kram kramar yours
    """
)

INTRODUCTIONS: Final = _words(
    "hedder heter heiter heiße heisse heißt heisst heißen namens named called underskrevet "
    "undertegnede unterzeichnete unterzeichner unterzeichnende undertecknad undersigned navnet "
    "namnet"
)
"""One word that leads to a name: "jeg hedder"."""

INTRODUCING_PAIRS: Final = frozenset(
    {
        ("navn", "er"), ("namn", "er"), ("name", "ist"), ("name", "is"), ("namn", "är"),
        ("navnet", "er"), ("namnet", "är"), ("ved", "navn"), ("vid", "namn"), ("med", "navnet"),
        ("dette", "er"), ("kalder", "mig"), ("kaller", "meg"), ("nenne", "mich"), ("this", "is"),
    }
)  # fmt: skip

BEING_PAIRS: Final = frozenset(
    {
        ("ich", "bin"), ("hier", "ist"), ("jeg", "er"), ("eg", "er"),
        ("jag", "är"), ("her", "er"), ("her", "taler"),
        ("här", "är"), ("i", "am"), ("hier", "spricht"),
    }
)  # fmt: skip
"""Before a known first name they introduce somebody, before other words they do not."""

SPEAKERS: Final = _words("jeg eg jag ich han hun hon ho she he er sie i")
"""Whoever "heter" something here is a person: "jeg heter Huy"."""
FROM: Final = _words("fra frå från from von aus")

SURNAME_ROLES: Final = _words(
    """
    kunden klienten patienten pasienten borgeren borgaren lejeren leietakeren leigetakaren
    hyresgästen naboen grannen kollegaen kollegan medarbejderen medarbeideren medarbetaren
    sagsbehandleren saksbehandleren saksbehandlaren handläggaren lægen legen läkaren fastlegen
    fastlege læge lege läkare overlæge overlege överläkare advokat advokaten lektor rektor læreren
    lærer lærar läraren lärare eleven vidnet vitnet vittnet ansøgeren søkeren sökanden udlejer
    utleier hyresvärden hyresvärd direktør direktøren direktör rådgiveren psykolog psykologen
    betjent politibetjent dommer kontorchef sygeplejerske sykepleier sjuksköterska
    landlord landlady tutor solicitor lawyer attorney nurse neighbour neighbor colleague witness
    surgeon midwife headteacher constable inspector sergeant caseworker consultant barrister
    """
)
"""After one of these in lower case even a capitalised word that nobody knows is a surname."""
SURNAME_LANGUAGES: Final = frozenset({"da", "nb", "nn", "sv", "en"})

VIETNAMESE_SURNAMES: Final = _words(
    "nguyen nguyễn tran trần le lê pham phạm huynh huỳnh hoang hoàng phan vu vũ vo võ dang đặng "
    "bui bùi do đỗ ho hồ ngo ngô duong dương ly lý dinh đinh truong trương dao đào mai lam lâm"
)
VIETNAMESE_MIDDLES: Final = _words(
    "van văn thi thị duc đức quang thanh ngoc ngọc huu hữu xuan xuân dinh đình hong hồng kim quoc "
    "quốc viet việt cong công bao bảo minh anh thuy thùy tuan tuấn hoai thu phuong phương"
)
"""Between a surname that comes first and a first name: "Tran Van Minh"."""

CLEAR_IN: Final = {
    "de": _words("anke noel bo liv"),
    "en": _words("anke noel"),
}
"""Names that are words elsewhere, and none in the language."""

LABELS: Final = _words(
    """
    navn name namn kunde kundin kontaktperson kontakt patient pasient ansprechpartner
    ansprechpartnerin fra von from til an to cc bcc afsender avsender avsändare absender absenderin
    modtager mottaker mottagare empfänger empfängerin underskrift unterschrift signed signatur elev
    lejer leietaker mieter mieterin vermieter sagsbehandler saksbehandler borger klient client
    customer att attn klagen ansøger antragsteller antragstellerin søker bruger bruker employee
    medarbejder fornavn efternavn etternavn förnamn efternamn vorname nachname surname forfatter
    vedr kontoinhaber kontohaver kontoindehaver beneficiary recipient sender
    underskriver bestyrer pårørende pårørande anhörig anhöriga angehörige notfallkontakt værge
    verge betreuer betreuerin ansvarlig ansvarig verantwortlich deltagere deltagare deltakere
    deltakarar teilnehmer teilnehmende participants attendees present referent protokoll
    protokollant mødeleder møteleder handläggare sachbearbeiter sachbearbeiterin forælder foreldre
    föräldrar mor far søn sønn datter bror søster mutter vater kind sohn tochter barn barnet child
    mother father beboer bewohner bewohnerin resident læge lege läkare arzt hausarzt ärztin doctor
    gp advokat anwalt rechtsanwalt lawyer manager leder chef vorgesetzter vorgesetzte kollega
    kollege author autor verfasser låntager låntaker kreditnehmer tenant landlord insured
    forsikringstager forsikringstaker försäkringstagare versicherungsnehmer versicherte
    versicherter skadelidte skadelidt geschädigter geschädigte zeuge zeugin vidne vitne vittne
    witness udlejer utleier hyresgäst hyresvärd mandant mandantin elev schüler schülerin student
    studerende deltager reisende passenger passasjer gast guest fahrer driver fører chauffør sjåfør
    führer card cardholder kortholder kontakter ref
    anwesend anwesende abwesend entschuldigt närvarande frånvarande stede tilstede frammøtte
    fremmødte fraværende oppmøtte
    """
)
"""A name follows their colon."""

NAME_LABELS: Final = _words(
    "navn name namn fornavn efternavn etternavn förnamn efternamn vorname nachname surname "
    "kontaktperson ansprechpartner ansprechpartnerin fullmektig pårørende anhörig"
)
"""After these even an unknown single word is a name."""

TOWARDS: Final = _words("til till hos")
"""Before two words that no dictionary knows, they make a name likely: "Skriv til Eskild Aamand"."""

AND: Final = _words("og och und and & samt")
PARTICLES: Final = _words(
    "von van de der den af av zu zur zum vom di da dos del el al la le ten ter bin ibn ben du des "
    "ní ap umm abu bint freiherr freifrau gräfin"
)
SUFFIXES: Final = _words("jr sr jun junior senior ii iii")
"""They end a name: "Robert Downing Jr."."""
ABBREVIATED: Final = _words(
    "chr joh th kr wm fr chas jos st alb fredr hr dr prof mr mrs ms dipl ing mag"
)

COMPANY_SUFFIXES: Final = _words(
    """
    aps as ab gmbh ag kg kgaa ug ltd limited plc llc inc corp oy oyj asa ans sa bv nv ohg gbr ev se
    fonden stiftung foundation group gruppen holding koncernen
    """
)
NO_NAME_PARTS: Final = TITLES | ROLES | CLOSINGS | COMPANY_SUFFIXES
"""No name goes on over one of these."""
NEVER_FIRST: Final = TITLES | GREETINGS | CLOSINGS
"""No name begins with one of these."""
COMPANY_SIGNS: Final = (
    "a/s",
    "i/s",
    "k/s",
    "p/s",
    "& co",
    "& søn",
    "& sønner",
    "& sons",
    "og søn",
    "e.v.",
)
ORGANISATIONS: Final = _words(
    """
    team support service kundeservice kundendienst kundenservice kundtjänst kundeteam energi energie
    energy bank banken forsikring försäkring versicherung versicherungen insurance kommune kommun
    gemeinde stadt region regionen skole skolen skola schule school universitet universitetet
    university universität hochschule institut institute instituttet hospital sygehus sykehus
    sjukhus klinik klinikken clinic praxis apotek apotheke restaurant café cafe hotel firma firmaet
    selskab selskabet bolag forening foreningen verein museum teater theater radio tv avis zeitung
    tidende news times post posten bahn airlines airport lufthavn station bahnhof park center
    centre centret zentrum stadion arena ministerium ministeriet styrelsen department afdeling
    abteilung avdeling elektronik electronics software systems solutions consulting data digital
    media medien gruppe bygg byg bau teknik technik technology transport logistik spedition auto
    automobile bilar biler møbler möbel köbmand købmand bakeri bageri bäckerei metzgerei butik shop
    store markt supermarked prize preis prisen pris stiftelsen cup award
    office desk board committee kontor kontoret büro
    """
)
"""Words that make the name around them a company's or a place's."""

DEPARTMENT_ENDINGS: Final = (
    "kontor", "kontoret", "kontora", "afdeling", "afdelingen", "avdeling", "avdelingen",
    "avdelinga", "avdelning", "avdelningen", "abteilung", "abteilungen", "stelle", "stellen",
    "team", "teamet", "teams", "service", "servicen", "department", "office", "büro", "desk",
    "tjeneste", "tjenesten", "tenesta", "tjänst", "tjänsten", "dienst", "forvaltningen",
    "forvaltninga", "förvaltningen", "verwaltung", "leitung", "ledelsen", "leiinga", "ledningen",
    "sekretariat", "sekretariatet", "styret", "styrelsen", "vorstand",
    "bestyrelsen", "kasse", "kassen", "support", "supporten", "sentralen", "centralen", "zentrale",
    "resepsjonen", "receptionen", "utvalget", "udvalget", "nämnden", "nemnda",
    "gruppen", "gruppa", "gruppe", "redaktion", "redaktionen", "redaksjonen",
)  # fmt: skip
"""A department signs a letter, nobody called so: "Venlig hilsen Lønkontoret"."""

UNITS: Final = _words("ms hr mag dr")
"""Titles that behind a number are units: "250 ms"."""

BRANDS: Final = _words(
    "bilka melitta netto rema miele kiwi bosch siemens aldi lidl føtex meny spar coop hema "
    "rossmann edeka rewe bauknecht matas imerco jysk elkjøp "
    "elgiganten kjell clas ahlsell dressmann lindex cubus kappahl åhléns hemköp willys primark "
    "tchibo dallmayr lavazza gevalia zoégas schleich volta"
)
"""Shops and makers: alone they are no person."""

TOWNS: Final = _words(
    "mora moss voss trier sande thisted nyborg york ystad otta sandnes werl malm lyngby"
)
TOWN_PREPOSITIONS: Final = _words(
    "til till fra från frå von nach to from mot mod bei vid ved mellem mellan mellom zwischen "
    "between über via near in i"
)
"""Behind one of these a surname that is a town's name too is the town."""

FESTIVALS: Final = _words("silvester lucia valborg")
FESTIVAL_CUES: Final = _words(
    """
    firas firar fira firade fejres fejrer fejre feires feirer feire feiert feiern gefeiert feiertag
    celebrated celebrate holiday holidays helg helgdag helgdagar højtid høytid högtid feiertage
    jul julen påske påsken påsk ostern weihnachten midsommar pfingsten pinse pinsen advent
    tåg tog luciatåg luciatog feuerwerk fyrverkeri brasa januar january januari april december
    dezember desember november
    """
)
"""Near one of these they are days."""
FESTIVAL_PREPOSITIONS: Final = _words("zu an bis vor seit på vid")

PREPOSITION_LANGUAGES: Final = frozenset({"da", "nb", "nn", "sv"})
NEVER_ALONE: Final = _words(
    """
    april may june july august maj juni juli mai christian german roman french english bible sol
    lund victoria carolina austin black decker god lord king queen prince princess inter real
    santa saint sankt palle autumn summer winter sommer vinter alm
    """
)
"""Names that, alone and capitalised, are nearly always something else."""

GERMAN_NOUN_ENDINGS: Final = (
    "er", "erin", "in", "ist", "chef", "ent", "ant", "eur", "or", "ung", "heit", "keit", "schaft",
    "ion", "tät", "mann", "frau", "ers", "enten", "anten", "isten", "leute", "rat", "oge",
    "kollege", "freund", "partner", "sohn", "bruder", "hauptmann", "offizier", "graf", "herzog",
    "experte", "wart",
)  # fmt: skip
"""In German a capitalised word that ends so is a noun before a name, not a part of it."""

PERSON_VERBS: Final = _words(
    """
    ringede ringer ringte ringde ringer ringde siger sagde sier sa seier säger sade sagt sagte skrev
    skriver schrieb schreibt spurgte spør spurte frågade fragt fragte svarede svarte svarade svarer
    antwortet antwortete mener mente menade meint meinte mener synes syns troede trodde glaubt
    glaubte forklarede forklarte förklarade erklärt erklärte fortalte fortæller forteller berättade
    erzählt erzählte bad bat bittet beder klager klagede klagte klagade beschwerte oplyser oplyste
    opplyser opplyste uppger uppgav fejler arbejder arbeider arbetar arbeitet wohnt bor bodde bodede
    hedder heter fylder fyller hilser lovede lovte lovade tilføjede tillade græd gråt grät weinte
    rief ruft lo lachte ler kommer kom kam said says told asked wrote writes replied called phoned
    rang answered thinks thought explained complained lives lived works worked agreed signed wants
    wanted left arrived went cried laughed smiled promised insisted added apologised apologized
    """
)
"""Whoever stands right before one, with a capital, is a person: "Bo ringede"."""

SPEECH_BEFORE: Final = _words(
    """
    sagde sa sade sagt sagte skrev schrieb spurgte spurte frågade fragte svarede svarte svarade
    antwortete mente meinte forklarede forklarte said wrote asked replied told ifølge enligt laut
    """
)
"""Whoever follows one, with a capital, is a person: "sagde Bo"."""
