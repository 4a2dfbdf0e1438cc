"""Short forms of given names, by language, and the particles that come before family names.

Belongs here: the lists, as plain data. Does not belong here: how they are applied (`names`).
"""

from __future__ import annotations


def words(text: str) -> list[str]:
    """Words written in one line, which reads better than a list of quotes."""
    return text.split()


def _table(text: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for line in text.strip().splitlines():
        name, _, short = line.partition(":")
        table.update({nickname: name.strip() for nickname in short.split()})
    return table


NICKNAMES: dict[str, dict[str, str]] = {
    "es": _table("""
jose: pepe pepito
josefa: pepa
francisco: paco pancho curro kiko fran
francisca: paca paqui
antonio: toni tono
manuel: manolo manu lolo
manuela: manoli
jesus: chus suso chuy
dolores: lola loli
concepcion: concha conchi conchita
rosario: charo
mercedes: merche
enrique: quique kike
ignacio: nacho
rafael: rafa
guillermo: guille
eduardo: edu
alejandro: alex ale
alejandra: sandra
javier: javi
fernando: nando fer
alberto: berto
roberto: rober
gregorio: goyo
santiago: santi
sebastian: sebas
isabel: isa chabela
teresa: tere
carmen: menchu carmela
pilar: pili
montserrat: montse
inmaculada: inma
beatriz: bea
cristina: cris
victoria: vicky
daniel: dani
miguel: migue
luis: lucho
ricardo: richi
consuelo: chelo
encarnacion: encarna
susana: susi
patricia: patri
vicente: chente
salvador: salva
"""),
    "en": _table("""
william: bill billy will willy liam
robert: bob bobby rob robbie
richard: dick rick ricky rich
john: jack johnny jon
james: jim jimmy jamie
joseph: joe joey
thomas: tom tommy
michael: mike mick mickey
edward: ed eddie ted ned
charles: charlie chuck
henry: harry hank
george: georgie
anthony: tony
andrew: andy drew
daniel: dan danny
david: dave davy
matthew: matt
christopher: chris kit
nicholas: nick
stephen: steve steven stevie
samuel: sam sammy
benjamin: ben benny
alexander: alex sandy
peter: pete
kenneth: ken kenny
donald: don donnie
ronald: ron ronnie
gregory: greg
jeffrey: jeff
timothy: tim
lawrence: larry
francis: frank frankie
frederick: fred freddie
albert: al bert
patrick: pat paddy
philip: phil
raymond: ray
walter: walt
joshua: josh
jonathan: jonny
zachary: zach
nathaniel: nate
elizabeth: liz lizzie beth betty eliza libby bess
margaret: maggie meg peggy madge
catherine: kate cathy katie kathy katherine kathryn kitty
mary: molly polly mamie
susan: sue susie
patricia: patty trish tricia
jennifer: jen jenny
barbara: barb babs
rebecca: becky becca
deborah: deb debbie debra
victoria: vicky tori
christine: tina chrissie
sandra: sandi
dorothy: dot dolly dottie
judith: judy
jacqueline: jackie
kimberly: kim
pamela: pam
samantha: samie
amanda: mandy
abigail: abby
alice: ally
eleanor: ellie nell nora
frances: fran
helen: nellie
joan: joanie
virginia: ginny
cynthia: cindy
theresa: terry tess
"""),
    "de": _table("""
johannes: hannes hans johann
josef: sepp joseph jupp
friedrich: fritz
wilhelm: willi willy
heinrich: heinz heiner
georg: schorsch
ludwig: lutz
matthias: matze hias
michael: michi
stefan: steffen stephan
thomas: tom
andreas: andi
christian: chris
alexander: alex
maximilian: max
sebastian: basti
franz: franzl
karl: carl
margarete: gretel grete greta margarethe
elisabeth: lisl liesl sisi elli lisbeth
katharina: kathi käthe kaethe katrin
johanna: hanna
susanne: susi
ursula: uschi ulla
barbara: babsi
christine: christl
magdalena: lena leni
wolfgang: wolf
gerhard: gerd
dieter: didi
juergen: jurgen
joachim: jochen achim
ulrich: uli
"""),
    "fr": _table("""
alexandre: alex
frederic: fred
jacques: jacquot
philippe: phil
dominique: dom
nicolas: nico
christophe: chris
sebastien: seb
emmanuel: manu
vincent: vince
guillaume: guigui
antoine: toine
benjamin: ben
bertrand: bebert
catherine: cathy
elisabeth: babette
isabelle: isa
veronique: vero
stephanie: steph
sophie: soso
marguerite: margot
madeleine: mado
josephine: josette
jeanne: jeannette jeannine
valerie: val
sandrine: sandy
caroline: caro
francoise: fanfan
therese: theresa
"""),
    "pl": _table("""
katarzyna: kasia kaska
malgorzata: gosia malgosia
agnieszka: aga
aleksandra: ola
aleksander: olek alek
anna: ania anka
barbara: basia
elzbieta: ela
ewa: ewka
joanna: asia joasia
krystyna: krysia
magdalena: magda
maria: marysia maryla
monika: monia
zofia: zosia
teresa: tereska
jan: janek jasiek
jozef: jozek
jerzy: jurek
stanislaw: staszek stach
tomasz: tomek
piotr: piotrek
pawel: pawelek
krzysztof: krzysiek krzys
grzegorz: grzesiek
andrzej: jedrek
jakub: kuba
michal: michalek
wojciech: wojtek
tadeusz: tadek
kazimierz: kazik
zbigniew: zbyszek
mieczyslaw: mietek
lukasz: lukaszek
mateusz: mati
ryszard: rysiek
wladyslaw: wladek
"""),
}

LANGUAGE_OF_COUNTRY: dict[str, str] = {
    **dict.fromkeys(("ES", "MX", "AR", "CO", "CL", "PE", "UY", "EC", "VE", "BO", "PY", "CR", "GT", "DO", "PA"), "es"),
    **dict.fromkeys(("GB", "UK", "US", "IE", "AU", "NZ", "CA", "ZA"), "en"),
    **dict.fromkeys(("DE", "AT", "CH", "LI"), "de"),
    **dict.fromkeys(("FR", "BE", "LU", "MC"), "fr"),
    "PL": "pl",
}

PARTICLES = frozenset(
    words("de del la las los y e i da das do dos di van von der den zu zum zur vom ten ter le du des d' l' el al bin")
)

TITLES = frozenset(
    words(
        "mr mrs ms miss dr prof sr sra srta don dona d da herr frau hr fr mme mlle m monsieur madame pan "
        "pani ing lic sir"
    )
)

SUFFIXES: dict[str, str] = {
    **dict.fromkeys(words("jr junior hijo fils ii"), "junior"),
    **dict.fromkeys(words("sen senior padre pere"), "senior"),
    "iii": "third",
}

COMPOUND_FIRST = frozenset(
    words("maria jose juan ana luis jesus francisco miguel jean marie anne hans karl rosa carlos victor marco mary")
)

#: common in their country; a company abroad meets few of them, and still they are not rare
COMMON_FAMILY_NAMES = frozenset(
    words(
        "garcia rodriguez gonzalez fernandez lopez martinez sanchez perez gomez martin jimenez hernandez ruiz diaz moreno "
        "munoz alvarez romero gutierrez alonso navarro torres dominguez ramos vazquez ramirez gil serrano "
        "smith jones taylor brown williams wilson johnson davies robinson wright thompson evans walker white roberts green "
        "hall wood clarke hughes edwards miller davis anderson "
        "muller schmidt schneider fischer weber meyer wagner becker schulz hoffmann schafer koch bauer richter klein wolf "
        "bernard dubois thomas robert richard petit durand leroy moreau simon laurent lefebvre michel bertrand roux "
        "nowak kowalski wisniewski wojcik kowalczyk kaminski lewandowski zielinski szymanski wozniak dabrowski kozlowski "
        "rossi russo ferrari esposito bianchi silva santos ferreira pereira oliveira costa souza jansen devries "
        "nguyen tran wang li zhang chen kim lee park khan singh kaur ahmed ali mohamed"
    )
)
COMMON_GIVEN_NAMES = frozenset(
    words(
        "maria carmen ana isabel laura cristina marta lucia elena pilar juan luis carlos david daniel pedro pablo "
        "john mary james george sarah emma peter paul anne anna marie jean michel pierre sophie hans klaus michael petra "
        "jan piotr pawel barbara ewa giuseppe giovanni marco francesca mohamed ahmed fatima wei"
    )
) | {name.split(" ")[0] for language in NICKNAMES.values() for name in language.values()}
