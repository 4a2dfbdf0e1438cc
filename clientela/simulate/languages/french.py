"""French words: names in order of frequency, pet forms, streets, towns, e-mail domains. No logic."""

MALE = """
Jean Michel Philippe Pierre Alain Nicolas Christophe Patrick Daniel Bernard Christian Frédéric Laurent Stéphane Éric David
Pascal Gérard Olivier Julien Jacques Thierry Sébastien Thomas Alexandre Dominique Didier Vincent François Guillaume Bruno
Jérôme Claude Marc Maxime Romain Anthony Franck Serge Gilles André René Antoine Kevin Guy Denis Cédric Ludovic Fabrice Benjamin
Arnaud Mathieu Yves Hervé Roger Mickaël Clément Lucas Hugo Louis Paul Gabriel Arthur Jules Théo Nathan Raphaël Quentin Florian
Adrien Baptiste Damien Grégory Jean-Pierre Jean-Claude Jean-Luc Jean-Paul Yannick Régis Loïc Benoît Emmanuel
"""
FEMALE = """
Marie Nathalie Isabelle Sylvie Catherine Françoise Martine Christine Monique Valérie Sandrine Véronique Nicole Stéphanie Sophie
Céline Chantal Patricia Anne Brigitte Julie Jacqueline Laurence Aurélie Christiane Annie Jeanne Dominique Virginie Corinne
Élodie Laetitia Florence Karine Camille Laura Émilie Hélène Delphine Caroline Michèle Pascale Denise Claire Pauline Mélanie
Léa Manon Emma Chloé Inès Jade Louise Alice Lucie Sarah Mathilde Charlotte Juliette Margaux Océane Marion Amandine Audrey
Alexandra
Cécile Agnès Béatrice Colette Danielle Évelyne Geneviève Ginette Josiane Odile Simone Thérèse Yvette Marie-Claude Anne-Marie
Solène
"""
FAMILY = """
Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand Morel
Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefèvre Faure André Mercier Blanc Guérin Boyer Garnier
Chevalier François Legrand Gauthier Garcia Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson Marchand Duval
Denis Dumont Marie Lemaire Noël Meyer Dufour Meunier Brun Blanchard Giraud Joly Rivière Lucas Brunet Gaillard Barbier Arnaud
Martinez Gérard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine Renaud Dumas Lacroix Olivier
Philippe Bourgeois Pierre Benoît Rey Leclerc Payet Rolland Leclercq Guillaume Lecomte Lopez Jean Dupuy Guillot Hubert Berger
Carpentier Sanchez Dupuis Moulin Louis Deschamps Huet Vasseur Perez Boucher Fleury Royer Klein Jacquet Adam Paris Poirier Marty
Aubry Guyot Carré Charles Renault Charpentier Ménard Maillard Baron Bertin Bailly Hervé Schneider Fernandez Le_Gall Collet Léger
Bouvier Julien Prévost Millet Perrot Daniel Le_Roux Cousin Germain Breton Besson Langlois Rémy Le_Goff Pelletier Lévêque Perrier
Leblanc Barré Lebrun Marchal Weber Mallet Hamon Boulanger Jacob Monnier Michaud Rodriguez Guichard Gillet Étienne Grondin Poulain
Tessier Chevallier Collin Chauvin Bouchet Gay Lemaître Bénard Maréchal Humbert Reynaud Antoine Hoarau Perret Barthélemy Cordier
Pichon Lejeune Gilbert Lamy Delaunay Pasquier Carlier Laporte
"""
NICKNAMES = {
    "Alexandre": "Alex", "Nicolas": "Nico", "Frédéric": "Fred", "Stéphane": "Steph", "Christophe": "Chris",
    "Philippe": "Phil", "Sébastien": "Seb", "Thomas": "Tom", "Guillaume": "Guigui", "Maxime": "Max", "Benjamin": "Ben",
    "Olivier": "Oli", "Mathieu": "Mat", "Mickaël": "Mika", "Daniel": "Dany", "Patrick": "Pat", "Gabriel": "Gaby",
    "Raphaël": "Raph", "Grégory": "Greg", "Emmanuel": "Manu", "Jean-Pierre": "JP", "Jean-Claude": "JC",
    "Nathalie": "Nath", "Isabelle": "Isa", "Catherine": "Cathy", "Christine": "Chris", "Valérie": "Val",
    "Véronique": "Véro", "Stéphanie": "Steph", "Patricia": "Patou", "Caroline": "Caro", "Delphine": "Del", "Camille": "Cam",
    "Laetitia": "Laeti", "Virginie": "Vivi", "Jacqueline": "Jacquie", "Élodie": "Élo", "Alexandra": "Alex",
    "Mélanie": "Mel", "Dominique": "Dom",
}  # fmt: skip
STREETS = """
rue_de_la_Paix rue_Victor_Hugo avenue_de_la_République rue_de_l'Église place_de_la_Mairie rue_du_Moulin rue_Pasteur
rue_Jean_Jaurès boulevard_Gambetta rue_des_Écoles rue_du_Château avenue_Jean_Moulin rue_des_Lilas chemin_des_Vignes
rue_de_la_Gare allée_des_Tilleuls rue_Molière rue_Voltaire rue_de_la_Liberté avenue_Foch boulevard_Voltaire rue_Émile_Zola
impasse_des_Roses rue_Nationale rue_du_Stade rue_de_la_Fontaine rue_des_Jardins avenue_du_Général_Leclerc rue_Lafayette
rue_de_Verdun rue_Carnot rue_du_Lavoir rue_Saint-Martin rue_Saint-Jacques quai_des_Brumes cours_Mirabeau rue_de_Bretagne
rue_Georges_Clemenceau rue_Anatole_France rue_du_Bac rue_Racine rue_des_Acacias rue_de_Lyon rue_de_Paris boulevard_Carnot
place_du_Marché rue_de_la_Poste rue_Paul_Bert rue_Jules_Ferry rue_des_Peupliers sentier_du_Lac rue_Marcel_Pagnol
"""
TOWNS = (
    ("Paris", "750", 24), ("Marseille", "130", 9), ("Lyon", "690", 9), ("Toulouse", "310", 6), ("Nice", "060", 5),
    ("Nantes", "440", 5), ("Montpellier", "340", 4), ("Strasbourg", "670", 4), ("Bordeaux", "330", 5), ("Lille", "590", 5),
    ("Rennes", "350", 4), ("Reims", "511", 2), ("Le Havre", "766", 2), ("Saint-Étienne", "420", 2), ("Grenoble", "380", 3),
    ("Dijon", "210", 2), ("Angers", "490", 2), ("Nîmes", "300", 2), ("Besançon", "250", 1), ("Orléans", "450", 1),
)  # fmt: skip
DOMAINS = ("gmail.com", "orange.fr", "free.fr", "hotmail.fr", "wanadoo.fr", "laposte.net", "sfr.fr", "yahoo.fr")
