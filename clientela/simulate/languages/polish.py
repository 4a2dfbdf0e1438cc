"""Polish words: names in order of frequency, pet forms, streets, towns, e-mail domains. No logic."""

MALE = """
Piotr Krzysztof Andrzej Tomasz Jan Paweł Michał Marcin Stanisław Jakub Adam Marek Łukasz Grzegorz Mateusz Wojciech Mariusz
Dariusz Zbigniew Jerzy Maciej Rafał Robert Kamil Józef Jacek Dawid Tadeusz Ryszard Szymon Janusz Bartosz Jarosław Kacper
Sławomir Mirosław Artur Henryk Damian Sebastian Przemysław Kazimierz Daniel Roman Patryk Marian Wiesław Filip Arkadiusz
Aleksander Adrian Dominik Leszek Karol Bartłomiej Radosław Hubert Konrad Bogdan Zdzisław Wiktor Antoni Mikołaj Oskar
Czesław Eugeniusz Krystian Igor Edward Cezary Miłosz Norbert Witold Bogusław Ireneusz Władysław Gabriel Oliwier
"""
FEMALE = """
Anna Katarzyna Maria Małgorzata Agnieszka Barbara Ewa Krystyna Elżbieta Magdalena Joanna Zofia Monika Aleksandra Teresa
Danuta Natalia Karolina Marta Julia Beata Dorota Alicja Jadwiga Janina Halina Irena Jolanta Iwona Grażyna Paulina Justyna
Hanna Zuzanna Bożena Urszula Renata Wiktoria Sylwia Agata Helena Patrycja Maja Izabela Emilia Aneta Weronika Ewelina Oliwia
Martyna Klaudia Marianna Gabriela Stanisława Dominika Marzena Bogumiła Amelia Kinga Wiesława Genowefa Lucyna Kamila Lena Edyta
Wanda Stefania Antonina Nikola Kazimiera Milena Daria Mirosława Alina Bogusława Kornelia Sabina Olga Laura
"""
FAMILY = """
Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Mazur
Jankowski Kwiatkowski Wojciechowski Krawczyk Kaczmarek Piotrowski Grabowski Zając Pawłowski Michalski Król Wieczorek Jabłoński
Wróbel Nowakowski Majewski Olszewski Dudek Stępień Jaworski Adamczyk Malinowski Pawlak Górski Nowicki Sikora Witkowski Rutkowski
Walczak Baran Michalak Szewczyk Ostrowski Tomaszewski Zalewski Wróblewski Pietrzak Jasiński Marciniak Sadowski Bąk Zawadzki
Duda Jakubowski Wilk Chmielewski Borkowski Włodarczyk Sokołowski Szczepański Sawicki Lis Kucharski Kalinowski Wysocki Mazurek
Kubiak Maciejewski Kołodziej Kaźmierczak Czarnecki Sobczak Konieczny Krupa Głowacki Zakrzewski Urbański Wasilewski Krajewski
Laskowski Ziółkowski Sikorski Mróz Gajewski Szulc Makowski Brzeziński Kaczmarczyk Przybylski Cieślak Baranowski Andrzejewski
Szczepaniak Borowski Janik Kaczyński Adamski Kozak Błaszczyk Górecki Chojnacki Leszczyński Lipiński Czerwiński Kowalewski
Mikołajczyk Jarosz Musiał Kania Wesołowski Mucha Domański Markowski Kopeć Wolski Kurek Kozieł Cichy Tomczyk Tomczak Matuszewski
Rogowski Stachowiak Nawrocki Stankiewicz Turek Marek Grzelak Pająk Bednarek Urban Kruk Zięba Orłowski Madej Bielecki Sowa
Wierzbicki Klimek Krzemiński Szymczak Olejniczak Karpiński Czajkowski Kubicki Świątek Polak Socha Filipek Dobrowolski Kępa
Banaś Smoliński Skowroński Rybak Gołębiowski Milewski Rudnicki Bielawski Żak Fijałkowski Murawski Drozd Pietrzyk Śliwa Bujak
Stefański Kosiński Radomski Sochacki Frankowski Żukowski Podgórski Raczyński Szostak Dziedzic Biernacki Gawron Wrona
Mielczarek Lech Pakuła Rak Kulesza Jurek
"""
NICKNAMES = {
    "Krzysztof": "Krzysiek", "Tomasz": "Tomek", "Jan": "Janek", "Stanisław": "Staszek", "Jakub": "Kuba", "Piotr": "Piotrek",
    "Andrzej": "Andrzejek", "Grzegorz": "Grzesiek", "Łukasz": "Łukaszek", "Wojciech": "Wojtek", "Zbigniew": "Zbyszek",
    "Jerzy": "Jurek", "Maciej": "Maciek", "Tadeusz": "Tadek", "Ryszard": "Rysiek", "Bartosz": "Bartek",
    "Bartłomiej": "Bartek", "Sławomir": "Sławek", "Mirosław": "Mirek", "Jarosław": "Jarek", "Przemysław": "Przemek",
    "Aleksander": "Olek", "Radosław": "Radek", "Katarzyna": "Kasia", "Małgorzata": "Gosia", "Agnieszka": "Aga",
    "Barbara": "Basia", "Elżbieta": "Ela", "Magdalena": "Magda", "Joanna": "Asia", "Zofia": "Zosia",
    "Aleksandra": "Ola", "Anna": "Ania", "Maria": "Marysia", "Teresa": "Terenia", "Natalia": "Nata", "Karolina": "Karo",
    "Ewa": "Ewka", "Krystyna": "Krysia", "Hanna": "Hania", "Zuzanna": "Zuza",
}  # fmt: skip
STREETS = """
Polna Leśna Słoneczna Krótka Szkolna Ogrodowa Lipowa Brzozowa Łąkowa Kwiatowa Sosnowa Kościelna Akacjowa Parkowa Zielona
Kolejowa Sportowa Dębowa Mickiewicza Słowackiego Sienkiewicza Kościuszki Piłsudskiego Konopnickiej Długa Nowa Wesoła
Spokojna Główna Górna Dolna Rynek Kopernika Chopina Reymonta Żeromskiego Sikorskiego Warszawska Krakowska Poznańska Gdańska
Wiejska Wiosenna Różana Jasna Klonowa Młyńska Rzeczna Piaskowa Łączna Wrzosowa Topolowa Jagiellońska Sobieskiego Wolności
"""
TOWNS = (
    ("Warszawa", "02-", 20), ("Kraków", "30-", 10), ("Łódź", "90-", 8), ("Wrocław", "50-", 8), ("Poznań", "60-", 7),
    ("Gdańsk", "80-", 6), ("Szczecin", "70-", 5), ("Bydgoszcz", "85-", 4), ("Lublin", "20-", 4), ("Białystok", "15-", 4),
    ("Katowice", "40-", 4), ("Gdynia", "81-", 3), ("Częstochowa", "42-", 3), ("Radom", "26-", 2), ("Toruń", "87-", 2),
    ("Rzeszów", "35-", 2), ("Kielce", "25-", 2), ("Olsztyn", "10-", 2), ("Zielona Góra", "65-", 1), ("Opole", "45-", 1),
)  # fmt: skip
DOMAINS = ("wp.pl", "gmail.com", "onet.pl", "o2.pl", "interia.pl", "op.pl", "gazeta.pl", "poczta.onet.pl")
