"""Spanish words: names in order of frequency, pet forms, streets, towns, e-mail domains. No logic."""

MALE = """
Antonio José Manuel Francisco David Juan Javier Daniel Carlos Jesús Alejandro Miguel Rafael Pedro Pablo Ángel Sergio
Fernando Jorge Luis Alberto Álvaro Adrián Diego Raúl Iván Enrique Rubén Ramón Vicente Óscar Andrés Joaquín Santiago Víctor
Eduardo Mario Roberto Jaime Ignacio Marcos Salvador Alfonso Hugo Ricardo Jordi Guillermo Emilio Julio Gabriel Tomás
Agustín José_Antonio José_Luis Juan_Carlos José_Manuel Francisco_Javier Juan_José Miguel_Ángel Luis_Miguel Gonzalo Félix
Nicolás Martín Joan Samuel Mohamed Marc Ismael Mariano Domingo Aitor Felipe Xavier Íñigo Iker Gregorio Esteban Arturo Lorenzo
"""
FEMALE = """
María Carmen Ana Laura Isabel Cristina Marta Lucía Antonia Dolores Sara Paula Elena Raquel Pilar Manuela Concepción
Mercedes Julia Alba Irene Beatriz Nuria Rosario Teresa Silvia Patricia Andrea Rocío Montserrat Encarnación Mónica Rosa Alicia
Ángela Margarita Sonia Sandra Susana Marina Yolanda Natalia Josefa Claudia Inmaculada Eva Inés Esther Ana_María María_Carmen
María_José María_Ángeles María_Pilar María_Dolores María_Teresa Verónica Noelia Carolina Nerea Ainhoa Victoria Lorena Amparo
Catalina Consuelo Emilia Luisa Miriam Carla Celia Daniela Fátima Gloria Lourdes Olga Virginia Begoña Leire Martina Blanca
"""
FAMILY = """
García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Hernández Ruiz Díaz Moreno Muñoz Álvarez
Romero Gutiérrez Alonso Navarro Torres Domínguez Ramos Vázquez Ramírez Gil Serrano Morales Molina Blanco Suárez Castro Ortega
Delgado Ortiz Marín Rubio Núñez Medina Sanz Castillo Iglesias Cortés Garrido Santos Guerrero Lozano Cano Cruz Méndez Flores
Prieto Herrera Peña León Márquez Cabrera Gallego Calvo Vidal Campos Reyes Vega Fuentes Carrasco Díez Aguilar Caballero Nieto
Santana Vargas Pascual Giménez Herrero Hidalgo Montero Lorenzo Santiago Benítez Durán Ibáñez Arias Mora Ferrer Carmona Vicente
Rojas Soto Crespo Román Pastor Velasco Parra Sáez Moya Bravo Rivera Gallardo Soler Esteban Silva Pardo Izquierdo Merino Rivas
Luque Lara Espinosa Camacho Casado Aguado Vila Franco Sierra Acosta Marcos Contreras Salazar Redondo Carrillo Mendoza Andrés
Rey Bernal Plaza Guerra Soriano Expósito Varela Heredia Nicolás Segura Pereira Manzano Villar Bueno Correa Miranda Roldán
Macías Robles Mateo Valero Quintana Montes Barroso Trujillo Padilla Otero Ríos Escobar Beltrán Menéndez Rueda Ávila Aparicio
Escudero Cuesta Zamora Hurtado Maldonado Paredes Conde Palacios Salvador Blázquez Murillo Estévez Galán Guillén Ballesteros
Abad Simón Cuenca Collado Pacheco Serra Córdoba Aranda de_la_Fuente de_la_Torre del_Río Vera Polo Rosales Zapata Calderón
Toledo Peralta Alarcón Sosa Lázaro Quesada Ochoa Etxeberria Agirre Puig Roca Bosch
"""
NICKNAMES = {
    "Francisco": "Paco", "José": "Pepe", "Antonio": "Toni", "Manuel": "Manolo", "Jesús": "Chus", "Rafael": "Rafa",
    "Ignacio": "Nacho", "Enrique": "Quique", "Alejandro": "Álex", "Daniel": "Dani", "Javier": "Javi", "Fernando": "Nando",
    "Santiago": "Santi", "Eduardo": "Edu", "Alberto": "Berto", "Guillermo": "Guille", "Gregorio": "Goyo",
    "Vicente": "Chente", "Francisco_Javier": "Fran", "José_Luis": "Pepelu", "Dolores": "Lola", "Concepción": "Concha",
    "Mercedes": "Merche", "Pilar": "Pili", "Rosario": "Charo", "Isabel": "Isa", "Montserrat": "Montse", "Beatriz": "Bea",
    "Encarnación": "Encarna", "Inmaculada": "Inma", "Teresa": "Tere", "Josefa": "Pepa", "María_José": "Marijose",
    "Consuelo": "Chelo", "Cristina": "Cris", "Patricia": "Patri", "Margarita": "Marga", "Susana": "Susi",
}  # fmt: skip
STREETS = """
Mayor Real Nueva Cervantes Goya Colón San_Juan del_Sol de_la_Iglesia Velázquez Constitución Alcalá de_Toledo San_Miguel
de_la_Paz Ramón_y_Cajal Santa_Ana del_Carmen San_José Lope_de_Vega Calderón de_Sevilla de_la_Fuente Jardines del_Pilar
Magallanes de_la_Estación Federico_García_Lorca Antonio_Machado Miguel_Hernández del_Prado Rosalía_de_Castro Quevedo Murillo
de_Zaragoza Ancha Larga Cruz San_Francisco San_Antonio Doctor_Fleming Padre_Damián Picasso Joaquín_Sorolla del_Mar
de_los_Reyes de_Granada Fuencarral Hortaleza Serrano Bailén de_Aragón Balmes Aribau del_Puerto de_Extremadura Alfonso_XII
Isabel_la_Católica Gran_Vía
"""
#: town, first digits of its postal codes, weight
TOWNS = (
    ("Madrid", "280", 24), ("Barcelona", "080", 16), ("Valencia", "460", 9), ("Sevilla", "410", 8), ("Zaragoza", "500", 6),
    ("Málaga", "290", 6), ("Murcia", "300", 4), ("Bilbao", "480", 5), ("Alicante", "030", 4), ("Córdoba", "140", 3),
    ("Valladolid", "470", 3), ("Vigo", "362", 3), ("Gijón", "332", 3), ("A Coruña", "150", 3), ("Granada", "180", 3),
    ("Vitoria-Gasteiz", "010", 2), ("Oviedo", "330", 2), ("Pamplona", "310", 2), ("Almería", "040", 2), ("León", "240", 2),
    ("Cádiz", "110", 2), ("Logroño", "260", 1), ("Badajoz", "060", 1), ("Cáceres", "100", 1),
)  # fmt: skip
DOMAINS = (
    "gmail.com",
    "hotmail.com",
    "gmail.com",
    "yahoo.es",
    "outlook.es",
    "telefonica.net",
    "hotmail.es",
    "icloud.com",
)
