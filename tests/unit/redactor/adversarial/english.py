"""English texts that are hard to mask right. All people are invented."""

from tests.unit.redactor.adversarial.case import Case, readable

CASES = (
    Case(
        "Emily Hartwell, 12 High Street, London SW1A 1AA, +44 20 7946 0958, emily@hartwell.co.uk",
        ("Emily", "Hartwell", "High Street", "SW1A", "7946", "hartwell.co.uk"),
    ),
    Case("Dear Mr. Quibbleton, thank you.", ("Quibbleton",), ("Dear Mr.", "thank you")),
    Case("Dear Sir or Madam,", (), ("Dear Sir or Madam",)),
    Case("Hi Priya, any news?", ("Priya",), ("any news",)),
    Case("Best regards,\nSiobhan O'Brien", ("Siobhan", "O'Brien")),
    Case("Kind regards\n\nTheodore K. Wexford", ("Theodore", "Wexford")),
    Case("My name is Zebulon Crane.", ("Zebulon", "Crane"), ("My name is",)),
    Case("Will Smith will mark the date in May.", ("Will Smith",), ("will mark the date in May",)),
    Case("Mark May's order as paid, said Mark Robinson.", ("Mark Robinson",), ("order as paid",)),
    Case("Grace is needed; hope helps; rose petals fall in June.", (), ("hope helps", "June")),
    Case("JOHN WALKER COMPLAINED", ("JOHN", "WALKER"), ("COMPLAINED",)),
    Case("James's file and Jones's letter: James Jones called.", ("James", "Jones"), ("called",)),
    Case("Anderson, Claire (customer)", ("Anderson", "Claire"), ("customer",)),
    Case("J. R. Thompson signed.", ("Thompson",), ("signed",)),
    Case("call michael davies on monday", ("michael", "davies"), ("on monday",)),
    Case(
        "Customer: Olu Adeyemi\nAgent: Wei Zhang", ("Olu", "Adeyemi", "Wei", "Zhang"), ("Customer",)
    ),
    Case("Mrs Ngozi Okonkwo-Bell and Dr Xu", ("Ngozi", "Okonkwo", "Bell", "Xu")),
    Case("Call me on 020 7946 0958 or 07700 900123.", ("7946 0958", "07700 900123")),
    Case(
        "Order 07700 900123, invoice 2026-0001, part 4711-2089", (), ("07700 900123", "4711-2089")
    ),
    Case("Card 5500-0000-0000-0004 was declined.", ("5500",), ("was declined",)),
    Case("IBAN GB29 NWBK 6016 1331 9268 19", ("GB29", "9268")),
    Case("Flat 3, 221B Baker Street", ("Flat 3", "221B Baker Street")),
    Case(
        "We met at the corner of the street, platform 9.",
        (),
        ("corner of the street", "platform 9"),
    ),
    Case(
        "Google, Microsoft and the University of Leeds",
        (),
        ("Google", "Microsoft", "University of Leeds"),
    ),
    Case("Version 10.12.2026 of part 12345678 costs 1,250.00", (), ("12345678", "1,250.00")),
    Case("From: Kwame Mensah <kwame@example.org>", ("Kwame", "Mensah", "kwame@example.org")),
    Case("our colleague Henderson resigned", ("Henderson",), ("resigned",)),
    Case("Laura and Peter met Dave yesterday.", ("Laura", "Peter", "Dave"), ("yesterday",)),
    Case("Ask Mary\u00a0Ann Lee, please", ("Mary", "Ann", "Lee"), ("please",)),
    Case("Nurse Patel and witness Wright agreed.", ("Patel", "Wright"), ("agreed",)),
    Case("12 High Street, Leeds LS1 4AB", ("12 High Street", "LS1 4AB")),
    Case("88 Pine Ridge Drive, Apt 3B\nSalem, OR 97301", ("88 Pine", "Apt 3B", "Salem", "97301")),
    Case("My husband John and my colleague Jadwiga left.", ("John", "Jadwiga"), ("husband",)),
    Case("Reach me at jo [dot] crane [at] example [dot] com", ("crane",)),
    Case("hi tom, did you talk to priya? thanks, hannah", ("tom", "priya", "hannah")),
    Case("Will said that May called.", ("Will", "May"), ("said that", "called")),
    Case("Ref: WHITTAKER, Joan and the file", ("WHITTAKER", "Joan"), ("the file",)),
    Case("Rose Cottage, Mill Lane, Bakewell DE45 1HS", ("Rose Cottage", "Mill Lane", "DE45")),
    Case("i live at 22 lark lane, brighton bn2 9qa", ("22 lark lane", "bn2 9qa"), ("i live",)),
    Case("Our town is Bath, order AB12 3CD is late.", (), ("order AB12 3CD is late",)),
    Case("Eleanor Vance Jr. signed it.", ("Eleanor", "Vance", "Jr"), ("signed it",)),
    readable("The Royal Bank of Scotland, Nationwide and the Halifax replied."),
    readable("The Grace Hopper conference and the Ada compiler are old."),
    readable("Paddington, Clapham Junction and Lewisham stations are shut."),
    readable("The Guardian, the Daily Mirror and the Sunday Times wrote."),
    readable("Macmillan Cancer Support, Barnardo's, Oxfam and the Samaritans help."),
    readable("The Alexander Technique, the Heimlich manoeuvre and the Doppler effect."),
    readable("Please find attached Form P45 and Schedule A. Section 21 Notice."),
    readable("The Premier Inn, the Holiday Inn and the Travelodge are full."),
    readable("Summer, Autumn and Winter stock."),
    readable("The firm Baker McKenzie, Clifford Chance and Slaughter and May advised."),
    readable("Dear Customer, Dear Team, Hi All, Hello Everyone, Dear Tenant."),
    readable("Ask Alexa or Siri, run Jenkins, install Ruby, deploy with Travis."),
    readable("The ship Queen Mary sails on Sunday."),
    readable("Between Monday and Friday, My account shows an error."),
    readable("Builds run on Gradle, Jenkins, Ruby, Jasmine and Terraform, says the guide."),
    Case(
        "Sam lives at 9 Rowan Crescent, Derby. He saw 12 people.",
        ("Rowan", "Derby"),
        ("12 people",),
    ),
    Case(
        "Please ask your landlord O'Shaughan and Tran Thi Nga, write to derek, or jan kowalewski.",
        ("Shaughan", "Tran", "Nga", "derek", "kowalewski"),
        ("your landlord",),
    ),
)

MISSES = (
    Case("Will Smithers is the one to call.", ("Will Smithers",)),
    Case("Muqtada met Chahine at noon.", ("Muqtada", "Chahine")),
    Case("My handle is crane_zebulon99.", ("crane_zebulon99",)),
)
