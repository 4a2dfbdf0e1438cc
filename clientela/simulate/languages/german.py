"""German words: names in order of frequency, pet forms, streets, towns, e-mail domains. No logic."""

MALE = """
Peter Michael Thomas Andreas Wolfgang Klaus Jürgen Günter Stefan Christian Uwe Werner Horst Frank Dieter Manfred Gerhard Hans
Bernd Thorsten Matthias Helmut Walter Heinz Martin Jörg Rolf Jens Sven Alexander Jan Rainer Holger Karl Dirk Joachim Ralf
Carsten Herbert Oliver Wilhelm Kurt Markus Heinrich Harald Paul Hermann Norbert Daniel Sebastian Tobias Florian Felix Lukas
Maximilian Philipp Jonas Tim Simon Benjamin Johannes Kai Marco Erik Fabian Moritz Niklas Julian Dennis Patrick Robert Georg
Ulrich Volker Axel Detlef Torben Emil Anton Konrad Ludwig Friedrich Hans-Peter
"""
FEMALE = """
Ursula Karin Helga Sabine Ingrid Renate Monika Susanne Gisela Petra Birgit Andrea Anna Brigitte Claudia Erika Christa Elke
Stefanie Gertrud Elisabeth Maria Angelika Heike Gabriele Katrin Ilse Nicole Anja Barbara Hildegard Martina Ingeborg Gerda
Marion Jutta Ute Hannelore Irmgard Christine Inge Christina Silke Sandra Kerstin Tanja Melanie Julia Katharina Sarah Lena Laura
Johanna Franziska Annika Sophie Marie Hannah Lea Nina Jana Vanessa Jessica Daniela Silvia Cornelia Bettina Regina Doris Beate
Ulrike Anke Simone Antje Frauke Greta Frieda Clara Charlotte Lotte Mia
"""
FAMILY = """
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder
Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier
Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller
Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher
Krämer Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel
Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer Ernst Lindner Hübner Kramer Franz Beyer Wenzel Jansen Paul Nowak
Barth Riedel Hauser Fritz Lutz Kern Ott Hansen Petersen Schultz Langer Kunz Hermann Kirchner Ullrich Kurz Thiel Brinkmann Moser
Bender Böttcher Nagel Bosch Schilling Reuter Büttner Hein Rieger Stahl Krebs Fiedler Urban Seifert Marx Lenz Kessler Wirth
Steiner Eckert Reinhardt Ebert Wendt Schenk Noack Gebhardt Adam Dietz Nickel Rudolph Behrens Blum Heinze Rose Wilke Kaufmann
Bischoff Mohr Schlüter Gerlach Opitz Körner Zander Freitag Ritter Stark Jahn Hinz Probst Kaminski Harms Scherer Kolb Conrad Vetter
Dreyer Esser Hess Uhlig Pfeifer Menzel Rauch Löffler Naumann Heller Thoma
"""
NICKNAMES = {
    "Michael": "Micha", "Thomas": "Tom", "Andreas": "Andi", "Wolfgang": "Wolfi", "Stefan": "Steff", "Christian": "Chris",
    "Alexander": "Alex", "Johannes": "Hannes", "Maximilian": "Max", "Sebastian": "Basti", "Matthias": "Matze",
    "Friedrich": "Fritz", "Heinrich": "Heiner", "Wilhelm": "Willi", "Joachim": "Achim", "Benjamin": "Benni", "Tobias": "Tobi",
    "Florian": "Flo", "Philipp": "Phil", "Daniel": "Dani", "Ulrich": "Uli", "Manfred": "Manni", "Hans": "Hansi",
    "Katharina": "Kathi", "Elisabeth": "Lisa", "Stefanie": "Steffi", "Susanne": "Susi", "Gabriele": "Gabi",
    "Johanna": "Hanna", "Franziska": "Franzi", "Christina": "Tina", "Andrea": "Andi", "Brigitte": "Gitti",
    "Angelika": "Geli", "Ursula": "Uschi", "Barbara": "Babsi", "Melanie": "Melli", "Charlotte": "Lotte", "Monika": "Moni",
}  # fmt: skip
STREETS = """
Hauptstraße Schulstraße Gartenstraße Bahnhofstraße Dorfstraße Bergstraße Birkenweg Lindenstraße Kirchstraße Waldstraße
Ringstraße Amselweg Schillerstraße Goethestraße Wiesenweg Jahnstraße Feldstraße Mozartstraße Beethovenstraße Rosenweg
Buchenweg Ahornweg Mühlenweg Industriestraße Friedhofstraße Lessingstraße Am_Markt Blumenstraße Eichenweg Finkenweg Tannenweg
Poststraße Kastanienallee Uhlandstraße Parkstraße Marktplatz Kirchplatz Burgstraße Mittelstraße Neue_Straße Sonnenstraße
Talstraße Rathausstraße Bachstraße Meisenweg Drosselweg Hermann-Löns-Weg Berliner_Straße Hamburger_Straße Frankfurter_Allee
Kantstraße Heinestraße Am_Sportplatz Im_Winkel Steinweg Brunnenstraße
"""
TOWNS = (
    ("Berlin", "101", 18), ("Hamburg", "203", 12), ("München", "803", 11), ("Köln", "506", 8), ("Frankfurt am Main", "603", 6),
    ("Stuttgart", "701", 5), ("Düsseldorf", "402", 5), ("Dortmund", "441", 4), ("Essen", "451", 4), ("Leipzig", "041", 5),
    ("Bremen", "281", 4), ("Dresden", "010", 4), ("Hannover", "301", 4), ("Nürnberg", "904", 4), ("Bonn", "531", 2),
    ("Münster", "481", 2), ("Freiburg im Breisgau", "791", 2), ("Göttingen", "370", 1), ("Würzburg", "970", 1),
)  # fmt: skip
DOMAINS = ("gmx.de", "web.de", "gmail.com", "t-online.de", "gmx.net", "freenet.de", "outlook.de", "posteo.de")
