"""English words: names in order of frequency, pet forms, streets, towns, e-mail domains. No logic."""

MALE = """
David John Michael Paul James Andrew Mark Robert Peter Richard Stephen Christopher Daniel Thomas William Matthew Simon Ian
Kevin Anthony Martin Alan Brian Philip Gary Graham Steven Jonathan Adam Stuart Edward George Keith Neil Colin Nicholas
Benjamin Alexander Joseph Jack Oliver Harry Charles Luke Samuel Joshua Ryan Lee Sean Craig Darren Jason Patrick Dean Scott
Raymond Kenneth Timothy Barry Roger Derek Dennis Gareth Jamie Nathan Liam Callum Connor Aaron Mohammed Frederick Henry Ronald
Leonard Douglas Bruce Duncan Malcolm Trevor Terence Lewis Elliot Rhys Owen
"""
FEMALE = """
Susan Margaret Sarah Elizabeth Karen Julie Patricia Helen Christine Jane Emma Rachel Claire Nicola Alison Rebecca Laura
Jennifer Amanda Joanne Angela Lisa Louise Victoria Catherine Katherine Samantha Linda Mary Anne Barbara Jacqueline Deborah
Sandra Carol Maureen Ann Lucy Hannah Charlotte Sophie Jessica Emily Amy Holly Chloe Bethany Natalie Michelle Tracey Sharon
Dawn Wendy Gillian Janet Judith Pamela Valerie Sheila Jean Joan Dorothy Kathleen Eileen Marie Heather Fiona Diane Lorraine
Georgina Harriet Abigail Megan Zoe Gemma Kelly Leanne Stacey Frances Ruth Olivia Alice
"""
FAMILY = """
Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood
Jackson Clarke Patel Khan Lewis James Phillips Mason Mitchell Rose Davis Cox Alexander Morgan Moore Mills King Lee Baker
Harris Allen Anderson Clark Turner Hill Scott Watson Cooper Parker Bennett Carter Shaw Young Cook Ward Bailey Collins Bell
Kelly Hughes Edwards Martin Morris Murphy Price Gray Richardson Hunt Simpson Marshall Harrison Stevens Ellis Foster Webb
Rogers Palmer Chapman Butler Russell Barnes Powell Knight Fisher Holmes Graham Reynolds Fox Lloyd Matthews Gibson Ford
Hamilton Walsh Murray Stewart Ryan Mcdonald Owen Hart Barker Dixon Brooks Saunders Grant Cole Spencer Pearson Andrews Elliott
Armstrong Cunningham Wells Lane Hudson Burton Reid Lawrence Gordon Kennedy Jordan Robertson Sutton Ross Wallace Black Oliver
Porter Bradley Harvey Hawkins Nicholls Carr Hopkins Francis Payne Doyle Newman Lowe Dean Perry Watts Day Freeman Bishop
Fletcher Rowe Bates Parsons Hayes Curtis Field Barrett Sharp Austin Weston Gilbert Cross Rhodes Tucker Sanders Miles Atkins
Hodgson Baldwin Lambert Pritchard Slater Ball Page Hewitt Hancock Nash Holland Potter Bryant Goodwin Norris Bowen Steele Kerr
Dawson Whitehead Middleton Thornton Ashworth Buckley Crawford Drake Finch Garner Hammond Ingram Jarvis Keane Lester Moss Nolan
O'Brien O'Connor Quinn Savage Townsend Underwood Vaughan Yates
"""
NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "Richard": "Dick", "Michael": "Mike", "James": "Jim", "Andrew": "Andy",
    "Stephen": "Steve", "Steven": "Steve", "Christopher": "Chris", "Daniel": "Dan", "Thomas": "Tom", "Matthew": "Matt",
    "Anthony": "Tony", "David": "Dave", "Philip": "Phil", "Nicholas": "Nick", "Benjamin": "Ben", "Alexander": "Alex",
    "Edward": "Ted", "Joseph": "Joe", "Samuel": "Sam", "Charles": "Charlie", "Kenneth": "Ken", "Timothy": "Tim",
    "Elizabeth": "Liz", "Margaret": "Maggie", "Susan": "Sue", "Katherine": "Kate", "Catherine": "Cathy", "Rebecca": "Becky",
    "Jennifer": "Jenny", "Patricia": "Pat", "Victoria": "Vicky", "Samantha": "Sam", "Deborah": "Debbie", "Joanne": "Jo",
    "Amanda": "Mandy", "Jacqueline": "Jackie", "Christine": "Chris", "Jessica": "Jess",
}  # fmt: skip
STREETS = """
High_Street Station_Road Church_Lane Main_Street Park_Road Victoria_Road Green_Lane Manor_Road Church_Street London_Road
The_Crescent Queens_Road Kings_Road New_Road Grange_Road Mill_Lane Springfield_Road Chapel_Street West_Street North_Road
South_Street School_Lane Albert_Road Oak_Avenue Windsor_Drive Highfield_Close Meadow_Way Orchard_Close The_Green Broadway
York_Road Elm_Grove Cedar_Drive Stanley_Street Alexandra_Terrace George_Street Bridge_Street Castle_Hill Market_Place
Abbey_Gardens Beech_Road Hawthorn_Avenue Woodland_Drive Hillside_Avenue Clarence_Road Cromwell_Street Nelson_Road
Wellington_Square Lime_Walk Poplar_Close Cambridge_Street Oxford_Road Birch_Rise Rectory_Lane Sycamore_Court Tudor_Way
"""
TOWNS = (
    ("London", "SW1", 20), ("London", "E14", 10), ("Birmingham", "B15", 8), ("Manchester", "M20", 8), ("Leeds", "LS6", 6),
    ("Glasgow", "G12", 6), ("Sheffield", "S10", 5), ("Liverpool", "L18", 5), ("Edinburgh", "EH9", 5), ("Bristol", "BS8", 5),
    ("Cardiff", "CF5", 4), ("Leicester", "LE2", 3), ("Nottingham", "NG7", 3), ("Norwich", "NR2", 2), ("Brighton", "BN1", 2),
    ("York", "YO1", 2), ("Exeter", "EX4", 2), ("Belfast", "BT9", 2), ("Oxford", "OX4", 1), ("Cambridge", "CB4", 1),
)  # fmt: skip
DOMAINS = (
    "gmail.com",
    "hotmail.co.uk",
    "btinternet.com",
    "yahoo.co.uk",
    "outlook.com",
    "sky.com",
    "icloud.com",
    "live.co.uk",
)
